"""Random access to the frames of a video file: any frame by its place, decoding from the key frame before it only.

The container is read once for where each packet lies; afterwards packets are read by position and given to a decoder
of one thread, without seeking. That keeps no state between frames but the decoder's own, so that a copy of the object
after a fork works, and nothing but the pictures between key frame and wanted frame is decoded.
"""

import os
import zlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import SupportsIndex

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import VideoReformatter
from jaxtyping import Float, UInt8

from understudy.errors import BadVideo

__all__ = ["VideoFile"]

_FAILURES = (av.FFmpegError, ValueError, LookupError, EOFError, OSError, TypeError)
"""What PyAV raises on damaged files."""


class VideoFile:
    """One video file, its frames numbered from 0 in the order of display. For use by one thread at a time.

    Raises:
        BadVideo: no such file, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._read_index()
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise BadVideo(f"{path}: no such file") from error
        except _FAILURES as error:
            raise BadVideo(f"{path}: damaged or no video: {_reason(error)}") from error
        self.times_s: Float[np.ndarray, " T"] = self._pts[self._shown] * float(self._time_base)
        """When each frame is shown [s]."""
        self._reformatter = VideoReformatter()
        self._decoder: VideoCodecContext | None = None
        self._next = -1  # packet that the decoder has to be given next to go on where it is

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            os.close(self._file)

    @property
    def num_frames(self) -> int:
        """Frames that the container shows."""
        return len(self._shown)

    def frame(self, place: SupportsIndex) -> UInt8[np.ndarray, "H W 3"]:
        """The RGB frame at that place.

        Raises:
            BadVideo: the frame cannot be decoded.
        """
        return next(self.frames([int(place)]))

    def frames(self, places: Iterable[int | np.integer]) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        """The RGB frames at those places, in that order; ascending places are decoded in one go."""
        for place in map(int, places):
            try:
                picture = self._decode(int(self._shown[int(place)]))
            except _FAILURES as error:
                self._decoder = None
                raise BadVideo(f"{self.path}: frame {place} cannot be decoded: {_reason(error)}") from error
            yield self._reformatter.reformat(picture, format="rgb24", threads=1).to_ndarray()

    def checksum(self, places: Iterable[SupportsIndex]) -> int:
        """CRC-32 of the compressed frames at those places, in that order, and of what the decoder is set up with.

        Copying frames to another file does not change it.
        """
        result = zlib.crc32(self._extradata or b"")
        for place in places:
            result = zlib.crc32(bytes(self._packet(int(self._shown[int(place)]))), result)
        return result

    def _read_index(self) -> None:
        with av.open(str(self.path), metadata_errors="replace") as container:
            if not container.streams.video:
                raise ValueError("it holds no video stream")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise ValueError("no decoder for its codec, or the file is cut off")
            self._codec, self._extradata = stream.codec_context.codec.name, stream.codec_context.extradata
            self._time_base = Fraction(stream.time_base or 0)
            packets = [packet for packet in container.demux(stream) if packet.size]
            if any(packet.pts is None or packet.pos is None for packet in packets):
                raise ValueError("packets without time or place")
            self._pts = np.array([packet.pts for packet in packets], dtype=np.int64)
            self._places = np.array([packet.pos for packet in packets], dtype=np.int64)
            self._sizes = np.array([packet.size for packet in packets], dtype=np.int64)
            keys = np.flatnonzero([packet.is_keyframe for packet in packets])
            hidden = np.array([packet.is_discard for packet in packets], dtype=bool)
        if not len(keys):
            raise ValueError("it holds no key frame")
        # The key frame to begin with: the last one that is stored and shown no later than the picture.
        stored = np.searchsorted(keys, np.arange(len(packets)), side="right") - 1
        shown = np.searchsorted(self._pts[keys], self._pts, side="right") - 1
        last = np.minimum(stored, shown)
        self._key_of = np.where(last < 0, -1, keys[last])
        order = np.argsort(self._pts, kind="stable")
        self._shown = order[~hidden[order]]
        self._reordered = bool((np.diff(self._pts) <= 0).any())

    def _decode(self, packet: int) -> av.VideoFrame:
        """The picture of a packet (its place in the file), from where the decoder stands if that is on the way."""
        key = int(self._key_of[packet])
        if key < 0:
            raise ValueError("no key frame before it")
        decoder = self._decoder
        if decoder is None or self._reordered or not key <= self._next <= packet:
            decoder = self._restarted()
            self._next = key
        wanted = int(self._pts[packet])
        while self._next < len(self._pts):
            for picture in decoder.decode(self._packet(self._next)):
                if picture.pts == wanted:
                    self._next += 1
                    return picture
            self._next += 1
        drained = decoder.decode(None)
        self._decoder = None
        for picture in drained:
            if picture.pts == wanted:
                return picture
        raise ValueError("the decoder does not give it")

    def _packet(self, index: int) -> av.Packet:
        content = os.pread(self._file, int(self._sizes[index]), int(self._places[index]))
        if len(content) < self._sizes[index]:
            raise EOFError("the file ends before it")
        packet = av.Packet(content)
        packet.pts = packet.dts = int(self._pts[index])
        return packet

    def _restarted(self) -> VideoCodecContext:
        if self._decoder is not None:
            self._decoder.flush_buffers()
            return self._decoder
        decoder = av.CodecContext.create(self._codec, "r")
        assert isinstance(decoder, VideoCodecContext)  # the stream is a video stream
        decoder.extradata = self._extradata
        decoder.thread_count = 1  # a decoder thread would delay frames and not survive a fork
        decoder.options = {"err_detect": "explode"}  # a damaged picture is an error, not a guess
        self._decoder = decoder
        return decoder


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]
