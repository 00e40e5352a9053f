"""The reader: times, rotation, odd sizes and alpha are honoured; whatever is broken becomes one `BadVideo` line."""

import resource
import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from understudy.errors import BadVideo, UnderstudyError
from understudy.geometry.cameras import camera_from_fov
from understudy.perception.video import MAX_PIXELS, open_video, read_frames, write_video

WIDTH, HEIGHT, NUM_FRAMES, FPS = 64, 48, 30, 25.0


def gradient_images(num_frames: int = NUM_FRAMES, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """Left half red, right half blue, brighter from frame to frame, top row of blocks white."""
    images = []
    for k in range(num_frames):
        image = np.zeros((height, width, 3), np.uint8)
        image[:, : width // 2, 0] = 60 + 190 * k // num_frames
        image[:, width // 2 :, 2] = 60 + 190 * k // num_frames
        image[: height // 4] = 255
        images.append(image)
    return images


@pytest.fixture
def clip(tmp_path) -> Path:
    path = tmp_path / "clip.mp4"
    write_video(path, gradient_images(), FPS, crf=4)
    return path


def fails(path: Path) -> str:
    """The one line that opening or reading gives."""
    with pytest.raises(BadVideo) as caught:
        for _ in read_frames(open_video(path)):
            pass
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def encode(
    path: Path, images, pts=None, codec="libx264", pix_fmt="yuv420p", rotation_deg=0, container_format=None
) -> None:
    with av.open(str(path), "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=30)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.time_base = Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        if rotation_deg:
            stream.set_display_rotation(rotation_deg)
        for k, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgba" if image.shape[2] == 4 else "rgb24")
            frame.pts = pts[k] if pts is not None else round(1000 * k / FPS)
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_what_is_written_is_read(clip):
    video = open_video(clip)
    assert (video.width, video.height, video.num_frames) == (WIDTH, HEIGHT, NUM_FRAMES)
    assert video.fps == pytest.approx(FPS)
    times, images = zip(*read_frames(video), strict=True)
    np.testing.assert_allclose(times, np.arange(NUM_FRAMES) / FPS, atol=1e-9)
    assert all(image.flags.c_contiguous for image in images)
    for seen, written in zip(images, gradient_images(), strict=True):
        assert np.abs(seen[20:, 4:28].astype(int) - written[20:, 4:28]).max() < 12


def test_odd_sizes_are_padded_when_written_and_read_as_they_are(tmp_path):
    write_video(tmp_path / "odd.mp4", gradient_images(width=63, height=47), FPS)
    video = open_video(tmp_path / "odd.mp4")
    assert (video.width, video.height) == (64, 48)
    encode(tmp_path / "odd.mkv", gradient_images(width=63, height=47), codec="ffv1", pix_fmt="bgr0")
    video = open_video(tmp_path / "odd.mkv")
    assert next(read_frames(video))[1].shape == (47, 63, 3)


def test_presentation_times_of_a_variable_frame_rate_are_kept(tmp_path):
    pts = np.cumsum([0, 40, 10, 100, 33, 250, 5])
    encode(tmp_path / "vfr.mp4", gradient_images(len(pts)), pts=pts.tolist())
    video = open_video(tmp_path / "vfr.mp4")
    times = [time_s for time_s, _ in read_frames(video)]
    np.testing.assert_allclose(times, pts / 1000, atol=1e-9)


@pytest.mark.parametrize("clockwise_deg", [90, 180, 270])
def test_rotation_of_the_display_matrix_is_applied(tmp_path, clockwise_deg):
    path = tmp_path / "turned.mp4"
    upright = gradient_images()
    stored = [np.ascontiguousarray(np.rot90(image, clockwise_deg // 90)) for image in upright]
    encode(path, stored, rotation_deg=-clockwise_deg)
    video = open_video(path)
    assert video.rotation_deg == clockwise_deg
    assert (video.width, video.height) == (WIDTH, HEIGHT)
    _, image = next(read_frames(video))
    assert np.abs(image.astype(int) - upright[0]).mean() < 6


def test_alpha_is_dropped(tmp_path):
    images = [np.dstack([image, np.full((HEIGHT, WIDTH), 128, np.uint8)]) for image in gradient_images(5)]
    encode(tmp_path / "alpha.mov", images, codec="qtrle", pix_fmt="argb")
    seen = [image for _, image in read_frames(open_video(tmp_path / "alpha.mov"))]
    assert len(seen) == 5
    np.testing.assert_array_equal(seen[0], images[0][..., :3])


def test_frames_are_streamed_and_not_held(tmp_path):
    """120 frames of 0.9 MB each are written from a generator and read again; a few at a time are in memory."""
    num_frames, frame_bytes, written = 120, 640 * 480 * 3, 0

    def counted():
        nonlocal written
        for k in range(num_frames):
            written += 1
            yield np.full((480, 640, 3), k, np.uint8)

    tracemalloc.start()
    try:
        write_video(tmp_path / "long.mp4", counted(), FPS)
        read = sum(1 for _ in read_frames(open_video(tmp_path / "long.mp4")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (written, read) == (num_frames, num_frames)
    assert peak < 10 * frame_bytes


def test_no_such_file(tmp_path):
    assert "no such file" in fails(tmp_path / "nothing.mp4")


def test_a_folder(tmp_path):
    assert "not a file" in fails(tmp_path)


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert "empty" in fails(tmp_path / "empty.mp4")


@pytest.mark.parametrize(
    "content", [b"this is a text, not a video\n" * 40, b"\xff\xfe\x00" * 300, b"#EXTM3U\nhttp://x/\n"]
)
def test_a_text_file_named_mp4(tmp_path, content):
    path = tmp_path / "text.mp4"
    path.write_bytes(content)
    assert "not a readable video" in fails(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_a_truncated_video_is_an_error_unless_allowed(tmp_path, share):
    rng = np.random.default_rng(0)
    path = tmp_path / "cut.mp4"
    write_video(path, rng.integers(0, 255, (60, HEIGHT, WIDTH, 3), dtype=np.uint8), FPS)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    fails(path)
    times = [time_s for time_s, _ in read_frames(open_video(path), allow_partial=True)]
    assert 1 <= len(times) < 60
    assert np.all(np.diff(times) > 0)


def test_a_truncated_video_with_its_index_at_the_end(tmp_path):
    path = tmp_path / "cut.mp4"
    encode(path, gradient_images())
    path.write_bytes(path.read_bytes()[:-400])
    fails(path)


def test_a_truncated_matroska_file_is_judged_by_its_duration(tmp_path):
    path = tmp_path / "cut.mkv"
    rng = np.random.default_rng(0)
    encode(path, list(rng.integers(0, 255, (100, HEIGHT, WIDTH, 3), dtype=np.uint8)))
    assert len(list(read_frames(open_video(path)))) == 100
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "declared" in fails(path)


def test_damaged_bytes_in_the_middle_are_an_error(tmp_path):
    path = tmp_path / "damaged.mp4"
    rng = np.random.default_rng(0)
    write_video(path, rng.integers(0, 255, (60, HEIGHT, WIDTH, 3), dtype=np.uint8), FPS)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    fails(path)


def test_audio_only(tmp_path):
    path = tmp_path / "audio.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert "no video stream: it holds audio only" in fails(path)


def test_a_header_with_video_and_no_frames(tmp_path):
    path = tmp_path / "zero.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        container.start_encoding()
    fails(path)


def test_one_frame_is_a_video_for_the_reader(tmp_path):
    path = tmp_path / "one.mp4"
    write_video(path, gradient_images(1), FPS)
    assert [time_s for time_s, _ in read_frames(open_video(path))] == [0.0]


@pytest.mark.parametrize("size", [(100_000, 100_000), (65_000, 65_000), (8_100, 8_100)])
def test_a_header_that_claims_enormous_frames(tmp_path, size):
    path = tmp_path / "huge.mp4"
    path.write_bytes(b"YUV4MPEG2 W%d H%d F25:1 Ip C420\nFRAME\n" % size + bytes(1000))
    fails(path)


def test_an_mp4_whose_sample_entry_claims_enormous_frames(clip):
    data = bytearray(clip.read_bytes())
    entry = data.index(b"avc1", data.index(b"stsd"))
    data[entry + 28 : entry + 32] = struct.pack(">HH", 65_000, 65_000)
    clip.write_bytes(data)
    try:
        sizes = {image.shape for _, image in read_frames(open_video(clip))}
    except BadVideo as error:
        assert "\n" not in str(error)  # noqa: PT017 (either is right: refused, or the stream's own size is taken)
    else:
        assert sizes == {(HEIGHT, WIDTH, 3)}


def test_an_h264_stream_that_claims_enormous_frames(tmp_path):
    """The stream's own sequence header (SPS) says 100 000 x 100 000: 6250 macroblocks each way."""
    bits = "010000101100000000110011"  # profile 66, constraints, level 51

    def golomb(value: int) -> str:
        code = bin(value + 1)[2:]
        return "0" * (len(code) - 1) + code

    bits += golomb(0) + golomb(0) + golomb(2) + golomb(1) + "0" + golomb(6249) + golomb(6249) + "11001"
    bits += "0" * (-len(bits) % 8)
    sps = b"\x67" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    path = tmp_path / "huge.h264"
    pps, picture = b"\x68\xce\x38\x80", b"\x65\x88\x84" + bytes(200)
    path.write_bytes(b"".join(b"\x00\x00\x00\x01" + unit for unit in (sps, pps, picture)))
    fails(path)


def test_the_limit_is_stated_in_the_message(tmp_path):
    path = tmp_path / "big.mp4"
    path.write_bytes(b"YUV4MPEG2 W9000 H9000 F25:1 Ip C420\nFRAME\n" + bytes(1000))
    assert f"{MAX_PIXELS:,}" in fails(path)


def test_a_camera_of_another_size_is_refused(clip):
    with pytest.raises(BadVideo, match="64x48"):
        open_video(clip, camera_from_fov(100, 100, 40.0))


def test_writing_nothing_leaves_nothing(tmp_path):
    with pytest.raises(UnderstudyError, match="no frames"):
        write_video(tmp_path / "none.mp4", [], FPS)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_source_leaves_nothing(tmp_path):
    def broken():
        yield gradient_images(1)[0]
        raise RuntimeError("the camera fell over")

    with pytest.raises(RuntimeError, match="fell over"):
        write_video(tmp_path / "broken.mp4", broken(), FPS)
    assert list(tmp_path.iterdir()) == []


def test_frames_of_different_sizes_are_refused(tmp_path):
    images = [*gradient_images(2), *gradient_images(1, width=32)]
    with pytest.raises(UnderstudyError, match="different sizes"):
        write_video(tmp_path / "mixed.mp4", images, FPS)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(tmp_path):
    """A limit on the size of files stands in for a full disk: both end in a failing write."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (40, 256, 256, 3), dtype=np.uint8)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(UnderstudyError, match="cannot be written"):
            write_video(tmp_path / "clip.mp4", images, FPS, crf=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UnderstudyError, match="cannot be written"):
        write_video(tmp_path / "file" / "clip.mp4", gradient_images(2), FPS)
