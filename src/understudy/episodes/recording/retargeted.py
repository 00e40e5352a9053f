"""What recorded people did, retargeted anew: for another robot, or after the retargeting has become better."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from understudy.embodiments import get_embodiment
from understudy.episodes.camera_file import camera_from_json
from understudy.episodes.layout import INFO_FILE
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.recording.plan import PERSON
from understudy.episodes.recording.plan_file import PLAN_FILE
from understudy.episodes.recording.recorded import IMAGE
from understudy.episodes.recording.tracked import action_columns, action_features
from understudy.episodes.rewriting import files_below, rewrite_columns
from understudy.episodes.whole_folder import link_or_copy
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.records import FrameStatus, HandTrack

__all__ = ["retarget_recording"]

_PREFIX = "tracked.action."


def retarget_recording(
    source: Path,
    out: Path,
    robots: tuple[str, ...] = (),
    on_episode: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[int, tuple[str, ...]]:
    """Copy a recording with the actions of its tracked people made anew; clips and other data sets are linked.

    Args:
        source: a recording (folders human_hand, xarm7_xhand, ...), or the person's data set of one.
        out: must not exist.
        robots: whose actions are wanted; those that the recording has by default.
        on_episode: called with the number of episodes done and that of all.

    Returns:
        The number of episodes, and the robots.

    Raises:
        UnderstudyError: no tracked person there, an unknown robot, or `out` exists.
    """
    alone = (source / INFO_FILE).is_file()
    person = source if alone else source / PERSON
    reader = EpisodeReader(person)
    robots = _robots(reader, robots)
    if out.exists():
        raise UnderstudyError(f"{out}: exists; choose another folder")
    if out.resolve().is_relative_to(source.resolve()):
        raise UnderstudyError(f"{out}: lies within {source}; choose another folder")

    def columns_of(reader: EpisodeReader, index: int) -> Mapping[str, Shaped[np.ndarray, "T n"]]:
        track = _track(reader, index)
        columns = action_columns(track, reader.frames(IMAGE, index), robots, reader.lengths[index])
        features = action_features(robots)
        return {name: values.reshape(len(values), -1).astype(features[name].dtype) for name, values in columns.items()}

    if alone:
        return rewrite_columns(person, out, action_features(robots), columns_of, on_episode), robots
    part = out.with_name(f".{out.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        count = rewrite_columns(person, part / PERSON, action_features(robots), columns_of, on_episode)
        _link_the_rest(source, part, robots)
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return count, robots


def _robots(reader: EpisodeReader, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Whose actions are made of the tracked people."""
    if "tracked.keypoints" not in reader.features:
        raise UnderstudyError(
            f"{reader.root}: has no tracked hands (recorded with --no-track?), nothing can be retargeted"
        )
    there = (name.removeprefix(_PREFIX) for name in reader.features if name.startswith(_PREFIX))
    robots = wanted or tuple(name for name in there if not name.endswith(".valid"))
    if not robots:
        raise UnderstudyError(f"{reader.root}: has no robot's actions; name robots with --robots")
    for robot in robots:
        get_embodiment(robot)
    return robots


def _track(reader: EpisodeReader, index: int) -> HandTrack | None:
    """The track as it is stored; None where no frame has a hand."""
    metadata = reader.episode(index).metadata
    missing = [key for key in ("camera", "handedness", "hand_length_m") if key not in metadata]
    if missing:
        raise UnderstudyError(f"{reader.root}: episode {index} does not say {', '.join(missing)}")
    camera = camera_from_json(metadata["camera"], f"{reader.root}: episode {index}")
    if camera.T_world_camera is None:
        raise UnderstudyError(f"{reader.root}: episode {index}: its camera has no pose over the table")
    valid = reader.column("tracked.valid", index)[:, 0].astype(bool)
    if not valid.any():
        return None
    keypoints = reader.column("tracked.keypoints", index).astype(float).reshape(-1, 21, 3)
    keypoints[~valid] = np.nan
    count = len(valid)
    time_s = reader.column("time_s", index)[:, 0].astype(float)
    wrists = np.full((count, 4, 4), np.nan)
    joints = np.where(valid[:, None], reader.column("action", index)[:, 7:].astype(float), np.nan)
    return HandTrack(
        time_s=time_s - time_s[0],
        status=np.where(valid, FrameStatus.OK, FrameStatus.NO_HAND).astype(np.int8),
        confidence=valid.astype(float),
        keypoints_px=project(camera.K, keypoints),
        keypoints_camera=keypoints,
        T_camera_wrist=wrists,
        joint_angles=joints,
        wrist_std_m=np.where(valid[:, None], reader.column("tracked.wrist_std_m", index).astype(float), np.nan),
        residual_px=np.full(count, np.nan),
        handedness=metadata["handedness"],
        hand_length_m=float(metadata["hand_length_m"]),
        camera=camera,
        source="recording",
    )


def _link_the_rest(source: Path, out: Path, robots: tuple[str, ...]) -> None:
    """Other data sets of the recording as they are, and its plan with the robots it has now."""
    for path in files_below(source):
        name = path.relative_to(source)
        if name.parts[0] != PERSON and not name.parts[0].startswith(".") and str(name) != PLAN_FILE:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(path.resolve(), out / name)
    plan = source / PLAN_FILE
    if plan.is_file():
        content = json.loads(plan.read_text(encoding="utf-8"))
        all_robots = dict.fromkeys([*content.get("retarget", ()), *robots])
        content["retarget"] = [robot for robot in all_robots if robot not in content.get("embodiments", ())]
        (out / PLAN_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
