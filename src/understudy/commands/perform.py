"""`understudy perform`: one rollout with a human video as the prompt."""

from pathlib import Path

__all__ = ["run"]


def run(
    prompt: str,
    task: str,
    seed: int = 0,
    robot: str = "xarm7_gripper",
    policy: str = "kinematic",
    out: Path | None = None,
    imagine: bool = False,
    trim: bool = False,
) -> None:
    """Watch a human video, or be told, then do the task on the simulated tabletop: one rollout, scored on the state.

    Examples:
      understudy record-human --task push --seed 7 --out clip.mp4
      understudy perform --prompt clip.mp4 --task push --seed 7 --robot xarm7_xhand
      understudy perform --prompt clip.mp4 --task push --seed 7 --policy runs/my_run/policy
      understudy perform --prompt phone.mp4 --trim --task push --robot xarm7_xhand --policy runs/my_run/policy --imagine

    Args:
        prompt: Video of the person, filmed by the tabletop's camera; or, for a policy that is told in words,
            the words. "" is no prompt.
        task: What success is judged by; see `understudy list tasks`.
        seed: Layout of the table: one number, one layout. 2000000 and above is the test range, for result tables only.
        robot: Who acts at the table; `understudy list robots` names all.
        policy: What drives the robot: a name of `understudy list policies`, or the policy folder of a training run.
        out: Folder for video and report; `out/perform/TASK-SEED-ROBOT` by default.
        imagine: Show the robot's video that the prompt brings to mind, too; for policies with a video model.
        trim: Cut off what is still before and after the motion in the prompt.
    """
    from understudy.evaluation.perform import perform

    folder = out or Path("out") / "perform" / f"{task}-{seed}-{robot}"
    report = perform(prompt, task, seed, robot, policy, folder, imagine=imagine, trim=trim)
    for note in report["notes"]:
        print(f"note: {note}")
    result = "success" if report["success"] else "no success"
    print(f"{result}, score {report['score']:.0f} of 100; see {folder / 'report.html'}")
