"""`understudy watch`: your video in, a robot's motion out."""

from pathlib import Path
from typing import Literal

import tyro

__all__ = ["run"]


def run(
    video: tyro.conf.Positional[Path],
    robot: str = "xarm7_xhand",
    out: Path | None = None,
    hand: Literal["auto", "right", "left"] = "auto",
    fov: float | None = None,
    intrinsics: Path | None = None,
    camera: Path | None = None,
    hand_length: float | None = None,
    tracker_file: Path | None = None,
    tracker_layout: Literal["understudy", "wilor", "hamer", "mediapipe"] = "understudy",
    grip: bool = False,
    allow_partial: bool = False,
) -> None:
    """Watch a video of a person: track the hand in metres, move a robot the same way, write it all down.

    Writes videos (tracked hand, robot, both side by side), charts, the hand track, the robot's trajectory, a LeRobot v3
    data set of one episode, report.json and report.html. A run that was interrupted goes on where it stopped.

    Examples:
      understudy watch my.mp4
      understudy watch my.mp4 --robot xarm7_allegro --hand left --fov 50
      understudy watch clip.mp4 --camera clip.truth.json --robot xarm7_gripper --out out/clip

    Args:
        video: Any file FFmpeg reads: mp4, mov, mkv, webm, ...
        robot: Which robot moves; `understudy list robots` names all.
        out: Folder for everything; out/NAME-OF-THE-VIDEO by default.
        hand: Which hand; `auto` takes the one that is seen and moves most. A left hand drives the robot mirrored.
        fov: Vertical field of view of the camera in degrees, if known; by default 45 degrees along the
            shorter side of the image.
        intrinsics: In place of --fov: JSON file with width, height and K (3x3, pixels).
        camera: In place of both: that file with T_world_camera in it, too (4x4, metres), the camera's pose in the
            robot's base frame.
        hand_length: Wrist to tip of the middle finger, straight, in metres; the adult mean by default.
        tracker_file: npz file with a hand track, to use in place of tracking.
        tracker_layout: Which program wrote that file; docs/perception.md has the keys of each.
        grip: Let the robot's fingers squeeze what the hand holds, as they must to hold it; without, they copy the hand.
        allow_partial: Take what can be decoded of a damaged video.
    """
    from understudy.evaluation.watch_report import key_figures
    from understudy.evaluation.watch_video import WatchOptions, watch_video

    folder = out or Path("out") / video.stem
    eyes = (hand, fov, camera, intrinsics, hand_length, tracker_file, tracker_layout)
    options = WatchOptions(video, robot, folder, *eyes, grip, allow_partial)
    for name, figure in key_figures(watch_video(options)):
        print(f"{name:<6} {figure}")
    print(f"see    {folder / 'report.html'}")
