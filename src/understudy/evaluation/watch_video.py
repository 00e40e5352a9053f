"""`understudy watch`: one video through perception, retargeting and rendering, into a folder that explains itself."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from understudy.embodiments import ROBOTS
from understudy.episodes.camera_file import read_camera
from understudy.episodes.trajectory_file import load_trajectory, save_trajectory
from understudy.errors import UnderstudyError, UnknownName
from understudy.evaluation.watch_data_set import write_data_set
from understudy.evaluation.watch_frames import beside, counted, even_size
from understudy.evaluation.watch_motion import hand_in_base, robot_motion
from understudy.evaluation.watch_page import write_watch_page
from understudy.evaluation.watch_replay import replay_camera, replay_frames
from understudy.evaluation.watch_report import WatchResult, watch_report
from understudy.evaluation.watch_stages import (
    Stages,
    check_output_folder,
    file_sha256,
    reporting_full_disk,
)
from understudy.files import write_text
from understudy.geometry.cameras import resize_camera
from understudy.perception.adapters import read_tracker_output
from understudy.perception.overlay import draw_hand
from understudy.perception.track import track_hand
from understudy.perception.track_file import load_hand_track, save_hand_track
from understudy.perception.video import open_video, read_frames, write_video
from understudy.records import Camera, HandTrack, HumanVideo, RobotTrajectory

__all__ = ["WatchOptions", "given_camera", "watch_video"]

_SUMMARIES = ("report.json", "report.html")
_ROBOT_PX = 640
"""Longest side of the robot's pictures."""
_BESIDE_PX = 480
"""Height of the two pictures side by side."""
_BYTES_PER_PIXEL = 0.06
"""Of everything that is written, per pixel and frame of the input: three times what a clip from a still camera took."""


@dataclass(frozen=True)
class WatchOptions:
    """What a user can choose."""

    video: Path
    robot: str
    out: Path
    hand: Literal["auto", "right", "left"] = "auto"
    fov_deg: float | None = None
    """Vertical field of view [deg], where no camera is given."""
    camera_file: Path | None = None
    """Intrinsics, and pose in the robot's base frame if the file has one."""
    intrinsics_file: Path | None = None
    """Intrinsics; a pose in the file is left out of account."""
    hand_length_m: float | None = None
    """Wrist to tip of the middle finger [m]; the adult mean if not given."""
    tracker_file: Path | None = None
    """Hand track to use in place of tracking."""
    tracker_layout: Literal["understudy", "wilor", "hamer", "mediapipe"] = "understudy"
    """Who wrote that file."""
    grip: bool = False
    """Squeeze what the hand holds, as a robot must that really grasps; else copy the hand as it is."""
    allow_partial: bool = False
    """Take what can be decoded of a damaged video."""

    def as_json(self) -> dict:
        """Every option by its name."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}


def watch_video(options: WatchOptions) -> dict:
    """Run every stage that is not done yet; returns the report that is also written to `report.json`.

    Raises:
        UnderstudyError: unknown robot, unreadable video, no such hand in it, an output folder that cannot be used or
            that fills up. Nothing half-written is left: finished stages stay, and the next run goes on from there.
    """
    if options.robot not in ROBOTS:
        raise UnknownName("robot", options.robot, ROBOTS)
    video = open_video(options.video)
    video = open_video(options.video, given_camera(options, video))
    check_output_folder(options.out)
    needed = int(video.num_frames * video.width * video.height * _BYTES_PER_PIXEL)
    with reporting_full_disk(options.out, needed), Stages(options.out, video.num_frames, _SUMMARIES) as stages:
        return _run(options, video, stages)


def _run(options: WatchOptions, video: HumanVideo, stages: Stages) -> dict:
    out, sha256 = options.out, file_sha256(options.video)
    seen = {name: value for name, value in options.as_json().items() if name not in ("robot", "grip", "out", "video")}
    seen |= {"sha256": sha256, "camera": _contents(options.camera_file), "K": _contents(options.intrinsics_file)}
    seen |= {"tracker": file_sha256(options.tracker_file) if options.tracker_file else None}

    def track_work(advance: Callable[[int], None]) -> None:
        track = _track(options, video, advance)
        out.mkdir(parents=True, exist_ok=True)
        save_hand_track(out / "hand_track.npz", track)

    tracked = stages.run("track", "watching the hand", seen, ("hand_track.npz",), track_work)
    track = load_hand_track(out / "hand_track.npz")

    def retarget_work(_: Callable[[int], None]) -> None:
        save_trajectory(out / "robot_trajectory.npz", robot_motion(track, options.robot, grip=options.grip))

    inputs = {"track": tracked, "robot": options.robot, "grip": options.grip}
    moved = stages.run("retarget", "moving the robot", inputs, ("robot_trajectory.npz",), retarget_work)
    trajectory = load_trajectory(out / "robot_trajectory.npz")
    _write_videos(options, video, track, trajectory, stages, tracked, moved)

    def data_set_work(advance: Callable[[int], None]) -> None:
        partial = options.allow_partial
        task = video.path.stem.replace("_", " ")
        write_data_set(out / "dataset", video, track, trajectory, task, allow_partial=partial, advance=advance)

    stages.run("dataset", "writing the data set", {"moved": moved}, ("dataset",), data_set_work)
    result = WatchResult(video, sha256, options.as_json(), track, trajectory, stages.seconds)
    report = watch_report(result)
    write_watch_page(out, result, report)
    write_text(out / "report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return report


def _write_videos(
    options: WatchOptions,
    video: HumanVideo,
    track: HandTrack,
    trajectory: RobotTrajectory,
    stages: Stages,
    tracked: str,
    moved: str,
) -> None:
    out = options.out

    def overlay(advance: Callable[[int], None]) -> None:
        frames = _overlay_frames(video, track, options.allow_partial)
        write_video(out / "overlay.mp4", counted(frames, advance), video.fps)

    def robot(advance: Callable[[int], None]) -> None:
        hand = hand_in_base(track, options.robot)
        camera = replay_camera(track.camera, hand.T_base_camera, hand.middle)
        frames = replay_frames(trajectory, camera, *even_size(video.width, video.height, _ROBOT_PX))
        write_video(out / "robot.mp4", counted(frames, advance), video.fps)

    def side_by_side(advance: Callable[[int], None]) -> None:
        left, right = (read_frames(open_video(out / name)) for name in ("overlay.mp4", "robot.mp4"))
        frames = beside((image for _, image in left), (image for _, image in right), _BESIDE_PX)
        write_video(out / "side_by_side.mp4", counted(frames, advance), video.fps)

    stages.run("overlay", "drawing the hand", {"track": tracked}, ("overlay.mp4",), overlay)
    stages.run("robot", "rendering the robot", {"moved": moved}, ("robot.mp4",), robot)
    stages.run("side_by_side", "side by side", {"moved": moved}, ("side_by_side.mp4",), side_by_side)


def given_camera(options: WatchOptions, video: HumanVideo) -> Camera | None:
    """The given camera, for this video's size; None if none is given."""
    given = [name for name in ("camera_file", "intrinsics_file", "fov_deg") if getattr(options, name) is not None]
    if len(given) > 1:
        raise UnderstudyError("--camera, --intrinsics and --fov all say what the camera is: give one of them")
    path = options.camera_file or options.intrinsics_file
    if path is None:
        return None
    camera = read_camera(path)
    if abs(camera.width * video.height - camera.height * video.width) > max(video.width, video.height):
        raise UnderstudyError(
            f"{path}: for images of {camera.width}x{camera.height}, the video has {video.width}x{video.height}: "
            "another shape, so it is another camera or a cropped video"
        )
    camera = resize_camera(camera, video.width, video.height)
    return camera if options.camera_file else Camera(camera.width, camera.height, camera.K)


def _track(options: WatchOptions, video: HumanVideo, advance: Callable[[int], None]) -> HandTrack:
    if options.tracker_file is not None:
        track = _read_track(options, options.tracker_file, video)
        num_frames = sum(1 for _ in counted((image for _, image in read_frames(video, options.allow_partial)), advance))
        if track.num_frames != num_frames:
            raise UnderstudyError(
                f"{options.tracker_file}: a track of {track.num_frames} frames, {video.path} has {num_frames}"
            )
        return track
    return track_hand(
        video,
        hand=options.hand,
        fov_deg=options.fov_deg,
        hand_length_m=options.hand_length_m,
        allow_partial=options.allow_partial,
        progress=advance,
    )


def _read_track(options: WatchOptions, path: Path, video: HumanVideo) -> HandTrack:
    """A stored track; where the camera's pose over the table is given, it is the track's too."""
    if options.tracker_layout == "understudy":
        track = load_hand_track(path)
    else:
        length_m = options.hand_length_m
        track = read_tracker_output(path, options.tracker_layout, camera=video.camera, hand_length_m=length_m)
    if video.camera is None or video.camera.T_world_camera is None:
        return track
    return replace(track, camera=replace(track.camera, T_world_camera=video.camera.T_world_camera))


def _overlay_frames(video: HumanVideo, track: HandTrack, allow_partial: bool) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
    for index, (_, image) in enumerate(read_frames(video, allow_partial)):
        yield draw_hand(image, track, index)


def _contents(path: Path | None) -> str | None:
    return path.read_text(encoding="utf-8") if path else None
