"""H.264 in mp4: one file per episode, frame by frame, and files joined without decoding them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from jaxtyping import UInt8

from understudy.errors import BadVideo

__all__ = ["Encoding", "VideoStream", "join_videos", "stream_format"]


@dataclass(frozen=True)
class Encoding:
    """How frames are compressed (libx264, yuv420p)."""

    crf: int = 23
    """Constant rate factor, 0 (lossless) to 51."""
    key_frame_every: int = 2
    """Distance of key frames; 2 keeps random access cheap: two pictures at most are decoded for one."""
    preset: str = "veryfast"

    def options(self) -> dict[str, str]:
        """The encoder's options.

        No B-frames, so that the first frame is at time 0; one thread, as episodes are recorded by several processes
        and their bytes must not depend on the machine.
        """
        return {
            "crf": str(self.crf),
            "preset": self.preset,
            "g": str(self.key_frame_every),
            "bf": "0",
            "threads": "1",
        }


class VideoStream:
    """Encoder into one file; frame i of the file is shown at i / fps seconds."""

    def __init__(self, path: Path, fps: Fraction, height: int, width: int, encoding: Encoding | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._shape = (height, width, 3)
        self._container = av.open(str(path), "w")
        options = (encoding or Encoding()).options()
        self._stream = self._container.add_stream("libx264", rate=fps, options=options)
        self._stream.height, self._stream.width, self._stream.pix_fmt = height, width, "yuv420p"
        self._stream.codec_context.time_base = 1 / fps
        self._reformatter = VideoReformatter()
        self.num_frames = 0

    def append(self, frame: UInt8[np.ndarray, "H W 3"]) -> None:
        """Encode one RGB frame of the stream's size."""
        if frame.shape != self._shape:
            raise ValueError(f"a frame of shape {frame.shape} for a video of {self._shape}")
        rgb = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
        picture = self._reformatter.reformat(rgb, format="yuv420p", threads=1)  # more threads cost more than they save
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


def stream_format(path: Path) -> tuple[object, ...]:
    """What two files must have in common to be joined: codec, its parameters, size and time base."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.video[0]
            codec = stream.codec_context
            return codec.name, codec.extradata, codec.width, codec.height, stream.time_base
    except (av.FFmpegError, LookupError, OSError, ValueError) as error:
        raise BadVideo(f"{path}: damaged or no video: {error}") from error


def join_videos(paths: Sequence[Path], num_frames: Iterable[int], fps: Fraction, target: Path) -> None:
    """Copy the packets of files of one format into `target`, one file after the other.

    Args:
        paths: the files; frame i of each is shown at i / fps seconds.
        num_frames: frames of each.
        fps: frames per second.
        target: file to write.

    Raises:
        BadVideo: a file that is damaged or has another number of frames.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(target), "w") as output:
        stream = None
        start = 0
        for path, wanted in zip(paths, num_frames, strict=True):
            count, offset = 0, None
            for packet, pts, dts in _packets(path):
                if offset is None:
                    stream = stream or output.add_stream_from_template(packet.stream)
                    offset = round(start / fps / Fraction(packet.time_base or 1))
                packet.pts, packet.dts, packet.stream = pts + offset, dts + offset, stream
                output.mux(packet)
                count += 1
            if count != wanted:
                raise BadVideo(f"{path}: {count} frames, the episodes table says {wanted}")
            start += count


def _packets(path: Path) -> Iterator[tuple[av.Packet, int, int]]:
    """Packets of the video with their times of display and decoding."""
    try:
        with av.open(str(path), metadata_errors="replace") as source:
            for packet in source.demux(source.streams.video[0]):
                if packet.size and packet.pts is not None and packet.dts is not None:
                    yield packet, packet.pts, packet.dts
    except (av.FFmpegError, LookupError, OSError, ValueError) as error:
        raise BadVideo(f"{path}: damaged or no video: {error}") from error
