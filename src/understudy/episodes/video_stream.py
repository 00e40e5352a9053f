"""An mp4 that grows frame by frame over many episodes; every frame can be sought."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

__all__ = ["VideoStream"]

# A key frame every second frame keeps random access cheap; no B-frames, so that the first frame is at time 0.
_OPTIONS = {"crf": "23", "preset": "fast", "g": "2", "bf": "0"}


class VideoStream:
    """H.264 (yuv420p) encoder into one file; frame i of the file is shown at i / fps seconds."""

    def __init__(self, path: Path, fps: Fraction, height: int, width: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._shape = (height, width, 3)
        self._container = av.open(str(path), "w")
        self._stream = self._container.add_stream("libx264", rate=fps, options=_OPTIONS)
        self._stream.height, self._stream.width, self._stream.pix_fmt = height, width, "yuv420p"
        self._stream.codec_context.time_base = 1 / fps
        self.num_frames = 0

    def append(self, frame: UInt8[np.ndarray, "H W 3"]) -> None:
        """Encode one RGB frame of the stream's size."""
        if frame.shape != self._shape:
            raise ValueError(f"a frame of shape {frame.shape} for a video of {self._shape}")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture.pts, picture.time_base = self.num_frames, self._stream.codec_context.time_base
        self._container.mux(self._stream.encode(picture))
        self.num_frames += 1

    def close(self) -> None:
        """Write what the encoder still holds, and the index."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def abandon(self) -> None:
        """Give the file up; it is not readable afterwards."""
        self._container.close()
