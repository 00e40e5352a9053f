"""`understudy record`: people and robots do the same tasks in the same layouts, as data sets."""

from pathlib import Path
from typing import Literal

__all__ = ["run"]


def run(
    task: str,
    out: Path,
    embodiments: str = "human_hand,xarm7_xhand",
    episodes: int = 100,
    split: Literal["train", "validation", "test"] = "train",
    first_seed: int | None = None,
    size: int = 96,
    human_size: int = 512,
    human_fps: int | None = None,
    human_frames: int | None = None,
    track: bool = True,
    points: bool = True,
    axis: str | None = None,
    hand: Literal["right", "left", "any"] = "right",
    aligned: bool = False,
    disturb: float = 0.0,
    sideways: float = 0.0,
    keep_failures: bool = False,
    retarget: str = "",
    processes: int = 2,
) -> None:
    """Record tasks done by a person and by robots in the same layouts: one LeRobot v3 data set per embodiment.

    Episode i is the same layout in every data set. A layout in which a robot's expert fails is replaced by another.
    A recording that was stopped or killed goes on when the same command is run again, also with more episodes.

    Examples:
      understudy record --task push --embodiments human_hand,xarm7_gripper --episodes 20 --out data/push
      understudy record --task pick_place,push,press_button --episodes 300 --disturb 0.15 --out data/three
      understudy record --task push --embodiments human_hand,xarm7_gripper --aligned --episodes 20 --out data/aligned
      understudy record --task push --embodiments human_hand --retarget xarm7_xhand --episodes 240 --out data/people
      understudy record --task wander --embodiments human_hand --no-track --episodes 500 --out data/wander

    Args:
        task: One task or several, separated by commas; episodes take turns. See `understudy list tasks`.
            Or wander: a person's hand moves about without a task, for video models; needs --embodiments human_hand
            --no-track.
        out: Folder of the data sets: out/human_hand, out/xarm7_xhand, ...
        embodiments: Who acts, separated by commas: human_hand and robots that have an expert.
        episodes: How many in each data set, all tasks together.
        split: Sealed range of seeds; test is for result tables only.
        first_seed: Seed of the first layout; the first of the split by default.
        size: Width and height of a robot's images in pixels.
        human_size: Width and height of the person's clips in pixels.
        human_fps: Frames per second of the person's clips, 5 to 60; 20 by default. Aligned clips have the robot's 10.
        human_frames: Render only so many frames of a clip, spread evenly over it; all by default. Needs --no-track.
        track: Run the hand tracker on the clips and retarget what it sees; clips of under 384 pixels do not suit it.
        points: Record where points on hand or robot, things and table are in every image, from the simulator.
        axis: Make layouts that differ from the usual ones in one respect, such as `varied`; docs/simulation.md has all.
        hand: Which hand the person uses; any makes about three in ten use the left.
        aligned: The person's hand goes where the robot's is, frame by frame; else each has an own way and time.
        disturb: Push the robot off its way in this share of the steps, 0 to 0.5, that have all fingertips above 7 cm;
            recorded actions are those without the push, which lead back.
        sideways: Push the robot's open hand aside in this share of the steps, 0 to 0.5, on its way to a thing that it
            takes from above (pick_place, hold; xarm7_xhand), down to the table; policies that only see stray there.
        keep_failures: Keep episodes in which a robot's expert failed, marked so, in place of drawing another layout.
        retarget: Robots, separated by commas, that are not recorded; what the person's hand does is told as their
            actions, too, in the person's data set.
        processes: How many episodes are made side by side.
    """
    from understudy.episodes.recording.plan import ROBOT_FPS, RecordingPlan, first_seed_of
    from understudy.episodes.recording.progress import record_with_progress
    from understudy.errors import UnderstudyError

    if aligned and human_fps not in (None, ROBOT_FPS):
        raise UnderstudyError(
            f"--human-fps {human_fps}: clips of --aligned have the robot's {ROBOT_FPS} frames a second"
        )
    plan = RecordingPlan(
        tasks=tuple(task.split(",")),
        embodiments=tuple(embodiments.split(",")),
        first_seed=first_seed_of(split, first_seed),
        size=size,
        human_size=human_size,
        human_fps=20 if human_fps is None or aligned else human_fps,
        human_frames=human_frames,
        track=track,
        points=points,
        axis=axis,
        handedness=hand,
        aligned=aligned,
        disturb=disturb,
        sideways=sideways,
        keep_failures=keep_failures,
        retarget=tuple(name for name in retarget.split(",") if name),
    )
    report = record_with_progress(plan, out, episodes, processes)
    for failure in report.failures:
        print(f"failed {failure.robot:14} {failure.task:13} seed {failure.seed}: {failure.failure}")
    there = report.episodes - report.new_episodes
    went_on = f" ({there} of them were there)" if there else ""
    print(f"{report.episodes} episodes{went_on} of {', '.join(plan.embodiments)}: see {out}")
