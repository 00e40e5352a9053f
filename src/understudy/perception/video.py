"""Videos are streamed frame by frame, upright, with their own presentation times, and counted to the end.

PyAV reports trouble in many types (its own, and `ValueError`, `IndexError`, `EOFError`, `UnicodeDecodeError`, ... from
the layers below); `_decoding` is the one narrow place where they become `BadVideo`.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from os import cpu_count
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from jaxtyping import Float, UInt8

from understudy.errors import BadVideo
from understudy.perception.video_writer import write_video
from understudy.records import Camera, HumanVideo

__all__ = ["MAX_PIXELS", "frame_times", "open_video", "read_frames", "write_video"]

MAX_PIXELS = 64_000_000
"""Largest frame that is decoded [px]: 8K video has 33 million; a larger claim is a broken or hostile header."""

_MAX_THREADS = 4
_SKIPPED_AT_A_CUT = 2
"""Frames that a decoder may drop after the start, because they refer to pictures before a cut (open groups)."""


def open_video(path: Path, camera: Camera | None = None) -> HumanVideo:
    """What the container says about a video, checked by decoding its first frame.

    Args:
        path: any file FFmpeg reads (mp4, mov, mkv, webm, avi, gif, ...).
        camera: known intrinsics of the upright image, if any.

    Raises:
        BadVideo: no such file, no video in it, nothing to decode, or frames above `MAX_PIXELS`.
    """
    path = Path(path)
    with _opened(path) as (container, stream):
        first = _first_frame(path, container, stream)
        rotation_deg = _clockwise_deg(first)
        _check_size(path, first.width, first.height)
        turned = rotation_deg in (90, 270)
        width, height = (first.height, first.width) if turned else (first.width, first.height)
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        num_frames = stream.frames
        duration_s = _duration_s(container, stream)
    if num_frames <= 0:
        num_frames = max(1, round(duration_s * rate))
    elif duration_s > 0 and num_frames > 1:
        rate = num_frames / duration_s
    if camera is not None and (camera.width, camera.height) != (width, height):
        raise BadVideo(
            f"{path}: its frames are {width}x{height}, the given camera is for {camera.width}x{camera.height}: "
            "resize the camera (understudy.geometry.cameras.resize_camera)"
        )
    return HumanVideo(path, width, height, rate or 30.0, num_frames, rotation_deg, camera)


def read_frames(
    video: HumanVideo, allow_partial: bool = False, only: Collection[int] | None = None
) -> Iterator[tuple[float, UInt8[np.ndarray, "H W 3"]]]:
    """Yield (time from the first frame [s], upright RGB image) one by one; nothing is kept.

    Times are the container's presentation times, strictly increasing: a frame without one, or not after its
    predecessor, is put one mean frame period later. Alpha is dropped.

    Args:
        video: from `open_video`.
        allow_partial: end quietly where decoding ends, instead of raising.
        only: numbers of the frames that are wanted, from 0; the others are decoded and passed over. None: all.

    Raises:
        BadVideo: fewer frames than the container declares, a damaged packet, or a size that changes midway.
    """
    for number, (time_s, frame) in enumerate(_timed(video, allow_partial)):
        if only is None or number in only:
            yield time_s, _upright(video, frame, number + 1)


def frame_times(video: HumanVideo) -> Float[np.ndarray, " T"]:
    """When each frame is shown [s], as `read_frames` gives it, from 0; every frame is decoded, none is kept.

    Raises:
        BadVideo: fewer frames than the container declares, or a damaged packet.
    """
    return np.array([time_s for time_s, _ in _timed(video, allow_partial=False)])


def _timed(video: HumanVideo, allow_partial: bool) -> Iterator[tuple[float, VideoFrame]]:
    with _opened(video.path) as (container, stream):
        count = _Count()
        first_s, last_s = None, -1.0 / video.fps
        for frame in _decoded(video, container, stream, count, allow_partial):
            time_s = float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base else None
            if first_s is None:
                first_s = time_s or 0.0
            elapsed = last_s + 1.0 / video.fps if time_s is None or time_s - first_s <= last_s else time_s - first_s
            last_s = elapsed
            yield elapsed, frame
        if not allow_partial:
            _check_complete(video, container, stream, count, last_s)


@dataclass
class _Count:
    packets: int = 0
    discarded: int = 0
    damaged: int = 0
    frames: int = 0


@contextmanager
def _decoding(path: Path, where: str) -> Iterator[None]:
    try:
        yield
    except (av.FFmpegError, ValueError, LookupError, EOFError, OSError, TypeError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadVideo(f"{path}: not a readable video {where}: {reason}") from error


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    if not path.exists():
        raise BadVideo(f"{path}: no such file")
    if not path.is_file():
        raise BadVideo(f"{path}: not a file: give the path of a video such as clip.mp4")
    if path.stat().st_size == 0:
        raise BadVideo(f"{path}: the file is empty")
    with _decoding(path, "(opening it)"):
        container = av.open(str(path), metadata_errors="replace")
    try:
        if not container.streams.video:
            kinds: list[str] = sorted({stream.type for stream in container.streams})
            raise BadVideo(f"{path}: no video stream: it holds {', '.join(kinds) or 'nothing'} only")
        stream = container.streams.video[0]
        with _decoding(path, "(reading its header)"):
            codec = stream.codec_context
            _check_size(path, codec.width, codec.height)
            codec.options = {"max_pixels": str(MAX_PIXELS)}
            codec.thread_type = "AUTO"
            codec.thread_count = min(_MAX_THREADS, cpu_count() or 1)
        yield container, stream
    finally:
        container.close()


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise BadVideo(f"{path}: its header claims frames of {width}x{height} px, above the limit of {MAX_PIXELS:,} px")


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> VideoFrame:
    with _decoding(path, "(decoding its first frame)"):
        for frame in container.decode(stream):
            return frame
    raise BadVideo(f"{path}: it has a video stream but no frame that can be decoded")


def _duration_s(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration is not None and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else 0.0


def _clockwise_deg(frame: VideoFrame) -> int:
    """The display matrix as a clockwise turn; PyAV counts counter-clockwise. Odd angles go to the nearest quarter."""
    return round(-frame.rotation / 90) % 4 * 90


def _decoded(
    video: HumanVideo, container: InputContainer, stream: VideoStream, count: _Count, allow_partial: bool
) -> Iterator[VideoFrame]:
    packets = container.demux(stream)
    while True:
        try:
            with _decoding(video.path, f"(after {count.frames} of {video.num_frames} frames)"):
                packet = next(packets, None)
                frames = [] if packet is None else packet.decode()
        except BadVideo:
            if allow_partial:
                return
            raise
        if packet is None:
            return
        if packet.size:
            count.packets += 1
            count.discarded += packet.is_discard
            count.damaged += packet.is_corrupt
        for frame in frames:
            count.frames += 1
            yield frame


def _upright(video: HumanVideo, frame: VideoFrame, number: int) -> UInt8[np.ndarray, "H W 3"]:
    with _decoding(video.path, f"(converting frame {number})"):
        image: np.ndarray = frame.to_ndarray(format="rgb24")
    quarter_turns = video.rotation_deg // 90
    if quarter_turns:
        image = np.rot90(image, -quarter_turns)
    image = np.ascontiguousarray(image)  # FFmpeg pads rows; MediaPipe reads memory as if it were not padded
    if image.shape != (video.height, video.width, 3):
        raise BadVideo(
            f"{video.path}: frame {number} is {image.shape[1]}x{image.shape[0]}, the first one was "
            f"{video.width}x{video.height}: convert it to one size first"
        )
    return image


def _check_complete(
    video: HumanVideo, container: InputContainer, stream: VideoStream, count: _Count, last_s: float
) -> None:
    """Count against what the container declares: packets exactly, frames but for those skipped at a cut.

    Containers without a frame count (webm, mkv) are judged by their duration.
    """
    hint = "the file is cut off or damaged: copy it again, or keep what is there (watch: --allow-partial)"
    if stream.frames > 0:
        expected = stream.frames - count.discarded
        short = count.packets < stream.frames or count.frames < expected - _SKIPPED_AT_A_CUT
        if short or count.damaged:
            raise BadVideo(f"{video.path}: {count.frames} of {expected} declared frames could be decoded: {hint}")
        return
    declared_s = float(Fraction(_duration_s(container, stream)))
    found_s = last_s + 1.0 / video.fps
    if count.damaged or found_s < declared_s - max(0.5, 0.02 * declared_s):
        raise BadVideo(f"{video.path}: {found_s:.2f} s of {declared_s:.2f} declared could be decoded: {hint}")
