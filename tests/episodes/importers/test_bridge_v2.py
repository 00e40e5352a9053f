"""Bridge V2 in both published layouts; TFRecords are put together here byte by byte, as the formats' documents say."""

import io
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from understudy.episodes.cross_prediction import ClipConfig, CrossPrediction
from understudy.episodes.importers.convert import convert
from understudy.episodes.importers.tfrecord import crc32c, parse_example, read_records
from understudy.errors import UnderstudyError

LENGTH = 5
SOURCE = b"/nfs/kun2/users/homer/datasets/bridge_data_all/numpy_256/out.npy"


def varint(value):
    value &= 2**64 - 1
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def feature(values):
    """A tf.train.Feature: bytes (1), packed floats (2) or packed integers (3)."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "f":
        return field(2, field(1, values.astype("<f4").tobytes()))
    if isinstance(values, np.ndarray):
        return field(3, field(1, b"".join(varint(int(value)) for value in values.ravel())))
    return field(1, b"".join(field(1, value) for value in values))


def example(values):
    entries = [field(1, name.encode()) + field(2, feature(value)) for name, value in values.items()]
    return field(1, b"".join(field(1, entry) for entry in entries))


def record(content):
    def masked(data):
        crc = crc32c(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    length = struct.pack("<Q", len(content))
    return length + masked(length) + content + masked(content)


def jpegs(frames):
    for frame in frames:
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG", quality=95)
        yield buffer.getvalue()


def episode(film, seed=0, **changes):
    rng = np.random.default_rng(seed)
    values = {
        "steps/action": rng.normal(size=(LENGTH, 7)).astype(np.float32),
        "steps/observation/state": rng.normal(size=(LENGTH, 7)).astype(np.float32),
        "steps/observation/image_0": list(jpegs(film(LENGTH))),
        "steps/language_instruction": [b"put the spoon in the pot"] * LENGTH,
        "steps/language_embedding": np.zeros((LENGTH, 512), np.float32),
        "steps/is_first": np.eye(LENGTH, dtype=np.int64)[0],
        "episode_metadata/file_path": [SOURCE],
        "episode_metadata/has_image_0": np.array([1]),
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


def write_rlds(folder, film, **changes):
    folder.mkdir(parents=True)
    episodes = [episode(film, seed=seed) for seed in (0, 1)] + [episode(film, seed=2, **changes)]
    content = [record(example(values)) for values in episodes]
    (folder / "bridge_dataset-train.tfrecord-00000-of-00002").write_bytes(content[0] + content[1])
    (folder / "bridge_dataset-train.tfrecord-00001-of-00002").write_bytes(content[2])
    return episodes


def test_the_check_value_of_crc_32c():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, B.4, and every table of CRCs


@given(
    integers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9),
    words=st.lists(st.binary(max_size=40), min_size=1, max_size=4),
)
def test_examples_come_back(integers, words, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "examples.tfrecord"
    values = {"n": np.array(integers, dtype=np.int64), "words": words, "x": np.float32([0.5, -2.0])}
    path.write_bytes(record(example(values)) * 2)
    for content in read_records(path):
        found = parse_example(path, content)
        np.testing.assert_array_equal(found["n"], values["n"])
        np.testing.assert_array_equal(found["x"], values["x"])
        assert found["words"] == words


def test_unpacked_numbers_are_read_too(tmp_path):
    floats = field(2, b"".join(varint(1 << 3 | 5) + struct.pack("<f", value) for value in (1.5, 2.5)))
    integers = field(3, b"".join(varint(1 << 3) + varint(value) for value in (3, -1)))
    entries = [field(1, name) + field(2, content) for name, content in ((b"x", floats), (b"n", integers))]
    found = parse_example(tmp_path / "e", field(1, b"".join(field(1, entry) for entry in entries)))
    np.testing.assert_array_equal(found["x"], [1.5, 2.5])
    np.testing.assert_array_equal(found["n"], [3, -1])


def test_rlds_episodes_come_back_in_order(tmp_path, film, is_film, converted):
    episodes = write_rlds(tmp_path / "bridge_dataset/1.0.0", film)
    data = converted(tmp_path / "bridge_dataset", "bridge_v2")
    assert (data.num_episodes, data.fps, data.robot_type) == (3, 5, "widowx")
    for index, values in enumerate(episodes):
        np.testing.assert_array_equal(data.column("action", index), values["steps/action"])
        np.testing.assert_array_equal(data.column("observation.state", index), values["steps/observation/state"])
    assert data.episode(2).task == "put the spoon in the pot"
    assert is_film(data.frames("observation.images.front", 2))


def test_a_video_model_learns_from_what_was_converted(tmp_path, film):
    write_rlds(tmp_path / "bridge_dataset/1.0.0", film)
    convert(tmp_path / "bridge_dataset", "bridge_v2", tmp_path / "bridge" / "xarm7_gripper")
    data = CrossPrediction((tmp_path / "bridge",), ClipConfig(16, num_frames=3))
    assert len(data) == 3
    sample = data.sample(0, np.random.default_rng(0))
    assert sample["target"].shape == (3, 16, 16, 3)
    assert not sample["crossed"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps/action": np.zeros((LENGTH, 6), np.float32)}, "'steps/action' must have 7 numbers for each of 5 steps"),
        ({"steps/observation/state": None}, "'steps/observation/state' must have 7 numbers .* none"),
        ({"steps/observation/image_0": None}, "no 'steps/observation/image_0' in an episode, which holds episode_meta"),
        ({"steps/observation/image_0": [b"x"] * LENGTH}, "'steps/observation/image_0': no readable picture"),
    ],
)
def test_what_is_wrong_in_an_episode_is_said(tmp_path, film, converted, changes, message):
    write_rlds(tmp_path / "in", film, **changes)
    with pytest.raises(UnderstudyError, match=r"00001-of-00002: .*" + message.replace("[", r"\[")):
        converted(tmp_path / "in", "bridge_v2")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-40], "ends inside a record"),
        (lambda content: content[:5], "no TFRecord at byte 0"),
        (lambda content: b"\x01" + content[1:], "no TFRecord at byte 0"),
        (lambda content: record(b"\xff" * 30), "no tf.train.Example"),
    ],
)
def test_damaged_files_are_named(tmp_path, film, converted, change, message):
    path = tmp_path / "one.tfrecord"
    path.write_bytes(change(record(example(episode(film)))))
    with pytest.raises(UnderstudyError, match=rf"one\.tfrecord: .*{message}"):
        converted(path, "bridge_v2")


def write_raw(root, film, actions):
    folder = root / "rss/toykitchen2/set_table/00/2022-01-01_00-00-00/raw/traj_group0/traj0"
    (folder / "images0").mkdir(parents=True)
    for index, frame in enumerate(film(LENGTH + 1)):
        Image.fromarray(frame).save(folder / f"images0/im_{index}.jpg", quality=95)
    state = np.random.default_rng(0).normal(size=(LENGTH + 1, 7))
    (folder / "obs_dict.pkl").write_bytes(pickle.dumps({"full_state": state, "time_stamp": [0.0] * 6}, 2))
    (folder / "policy_out.pkl").write_bytes(pickle.dumps(actions, 2))
    return folder, state


@pytest.mark.parametrize("wrapped", [False, True])
def test_raw_trajectories_are_read_without_running_anything(tmp_path, film, is_film, converted, wrapped):
    actions = np.random.default_rng(1).normal(size=(LENGTH, 7))
    steps = [{"actions": action} if wrapped else action for action in actions]
    folder, state = write_raw(tmp_path / "raw", film, steps)
    (folder / "lang.txt").write_text("set the table\nconfidence: 1\n")
    data = converted(tmp_path / "raw", "bridge_v2")
    np.testing.assert_allclose(data.column("observation.state", 0), state[:-1], rtol=1e-6)
    np.testing.assert_allclose(data.column("action", 0), actions, rtol=1e-6)
    assert data.episode(0).task == "set the table"
    assert is_film(data.frames("observation.images.front", 0))


def test_a_raw_trajectory_without_a_label_has_its_folder_s(tmp_path, film, converted):
    write_raw(tmp_path / "raw", film, [np.zeros(7)] * LENGTH)
    assert converted(tmp_path / "raw", "bridge_v2").episode(0).task == "set table"


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([np.zeros(7)] * (LENGTH + 3), "'full_state' has 6 rows for 8 actions"),
        ([np.zeros(6)] * LENGTH, r"policy_out\.pkl: 'actions' has shape \(5, 6\)"),
        ({}, r"policy_out\.pkl: no list of actions"),
        ([print], r"policy_out\.pkl: asks for '__builtin__.print'"),
    ],
)
def test_what_is_wrong_in_a_raw_trajectory_is_said(tmp_path, film, converted, actions, message):
    write_raw(tmp_path / "raw", film, actions)
    with pytest.raises(UnderstudyError, match=message):
        converted(tmp_path / "raw", "bridge_v2")
    assert not (tmp_path / "converted").exists()
