"""Images become an h264 mp4 that every player opens; the file appears under its name only when it is complete."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from jaxtyping import UInt8

from understudy.errors import UnderstudyError
from understudy.files import replacing

__all__ = ["write_video"]


def write_video(path: Path, frames: Iterable[UInt8[np.ndarray, "H W 3"]], fps: float, crf: int = 20) -> None:
    """Encode RGB images as h264 (yuv420p) and rename the result to `path`.

    Args:
        path: ends in .mp4; its folder is made if need be.
        frames: images of one size; odd sizes are padded by repeating the last row or column.
        fps: frames a second, above 0.
        crf: quality of x264, 0 (lossless) to 51; 20 looks like the original.

    Raises:
        UnderstudyError: no frames, frames of different sizes, or the file cannot be written (folder, disk full).
    """
    path = Path(path)
    if not fps > 0:
        raise ValueError(f"fps {fps}: must be above 0")
    try:
        with replacing(path) as part:
            _encode(part, frames, fps, crf)
    except av.FFmpegError as error:
        raise UnderstudyError(f"{path}: cannot be written: {error.strerror or error}") from error


def _encode(part: Path, frames: Iterable[UInt8[np.ndarray, "H W 3"]], fps: float, crf: int) -> None:
    with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: VideoStream | None = None
        shape: tuple[int, ...] = ()
        for image in frames:
            if stream is None:
                shape = image.shape
                stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1001))
                stream.height, stream.width = (size + size % 2 for size in shape[:2])
                stream.pix_fmt = "yuv420p"
                stream.options = {"crf": str(crf), "preset": "veryfast"}
                stream.codec_context.thread_count = 2
            if image.shape != shape:
                raise UnderstudyError(f"frames of different sizes for one video: {shape} and {image.shape}")
            frame = av.VideoFrame.from_ndarray(_pad_to_even(image), format="rgb24")
            container.mux(stream.encode(frame))
        if stream is None:
            raise UnderstudyError(f"{part.with_suffix('')}: no frames to write")
        container.mux(stream.encode(None))


def _pad_to_even(image: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H2 W2 3"]:
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return np.ascontiguousarray(image)
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
