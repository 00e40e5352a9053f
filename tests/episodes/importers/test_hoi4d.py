"""An HOI4D folder made as its instructions describe; SciPy is the oracle for the object's rotation."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from understudy.errors import UnderstudyError
from understudy.perception.video import write_video

SEQUENCE = Path("ZY20210800001/H1/C2/N19/S100/s02/T1")
LENGTH, NO_HAND = 5, 2


def write_data(root, film, fps=15.0, frames=None):
    rgb = root / "HOI4D_release" / SEQUENCE / "align_rgb"
    annotations, hands = root / "HOI4D_annotations" / SEQUENCE, root / "handpose/refinehandpose_right" / SEQUENCE
    for folder in (rgb, annotations / "objpose", annotations / "action", hands):
        folder.mkdir(parents=True)
    write_video(rgb / "image.mp4", list(film(LENGTH) if frames is None else frames), fps)
    rng = np.random.default_rng(0)
    hand = {"poseCoeff": rng.normal(size=(LENGTH, 48)), "beta": rng.normal(size=(LENGTH, 10))}
    hand |= {"trans": rng.normal(size=(LENGTH, 3)), "kps2D": rng.uniform(0, 99, (LENGTH, 21, 2))}
    angles = rng.uniform(-3, 3, (LENGTH, 3))
    for index in range(LENGTH):
        part = {
            "center": {"x": 0.1, "y": 0.2, "z": 0.01 * index},
            "rotation": dict(zip("xyz", angles[index], strict=True)),
        }
        part["dimensions"] = {"length": 1, "width": 1, "height": 1}
        name = f"{index:05d}" if index % 2 else f"{index}"  # both numberings are published
        (annotations / f"objpose/{name}.json").write_text(json.dumps({"dataList": [part]}))
        if index != NO_HAND:
            content = {key: values[index] for key, values in hand.items()}
            (hands / f"{index}.pickle").write_bytes(pickle.dumps(content, 2))
    events = {"events": [{"event": "Grasp", "startTime": 0.1, "endTime": 0.2}]}
    (annotations / "action/color.json").write_text(json.dumps(events))
    camera = root / "camera_params/ZY20210800001"
    camera.mkdir(parents=True)
    np.save(camera / "intrin.npy", np.diag([1060.0, 1060.0, 1.0]))
    return root, hand, angles


def test_hand_object_and_video_come_back(tmp_path, film, is_film, converted):
    root, hand, angles = write_data(tmp_path / "in", film)
    data = converted(root, "hoi4d")
    assert (data.num_episodes, data.fps, data.robot_type, data.episode(0).task) == (1, 15, "human_hand", "mug: task T1")
    about = data.episode(0).metadata
    assert about["events"] == [{"event": "Grasp", "start_s": 0.1, "end_s": 0.2}]
    assert about["camera"]["K"] == np.diag([1060.0, 1060.0, 1.0]).tolist()
    seen = np.arange(LENGTH) != NO_HAND
    np.testing.assert_array_equal(data.column("truth.hand.valid", 0)[:, 0], seen)
    pixels, mano = data.column("truth.keypoints_px", 0), data.column("truth.mano", 0)
    np.testing.assert_allclose(pixels[seen], hand["kps2D"].reshape(LENGTH, 42)[seen], rtol=1e-6)
    parts = np.concatenate([hand[key] for key in ("poseCoeff", "beta", "trans")], axis=1)
    np.testing.assert_allclose(mano[seen], parts[seen], rtol=1e-5, atol=1e-7)
    objects = data.column("truth.objects", 0)
    np.testing.assert_allclose(objects[:, :3], [[0.1, 0.2, 0.01 * index] for index in range(LENGTH)], rtol=1e-5)
    turned = Rotation.from_euler("XYZ", angles).inv() * Rotation.from_quat(objects[:, 3:], scalar_first=True)
    np.testing.assert_allclose(turned.magnitude(), 0, atol=1e-5)
    assert is_film(data.frames("observation.images.front", 0))


def test_a_faster_video_is_brought_to_the_rate_of_its_labels(tmp_path, film, is_film, converted):
    root, _, _ = write_data(tmp_path / "in", film, fps=30.0, frames=np.repeat(film(LENGTH), 2, axis=0))
    assert is_film(converted(root, "hoi4d").frames("observation.images.front", 0))


def test_a_sequence_without_labels_is_still_a_video(tmp_path, film, converted):
    write_video(tmp_path / "in/align_rgb/image.mp4", list(film()), 15.0)
    data = converted(tmp_path / "in", "hoi4d")
    assert not data.column("truth.hand.valid", 0).any()
    assert not data.column("truth.objects.valid", 0).any()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            f"handpose/refinehandpose_right/{SEQUENCE}/1.pickle",
            pickle.dumps({"beta": 1}),
            "no hand pose with poseCoeff",
        ),
        (f"handpose/refinehandpose_right/{SEQUENCE}/1.pickle", b"\x80", "no readable pickled data"),
        (f"HOI4D_annotations/{SEQUENCE}/objpose/0.json", b"{}", r"0\.json: no object pose with center"),
        (f"HOI4D_annotations/{SEQUENCE}/action/color.json", b'{"events": [{}]}', r"color\.json: no action segments"),
        ("camera_params/ZY20210800001/intrin.npy", b"", r"intrin\.npy: no readable"),
        (f"HOI4D_release/{SEQUENCE}/align_rgb/image.mp4", b"", r"image\.mp4: the file is empty"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(tmp_path, film, converted, name, content, message):
    write_data(tmp_path / "in", film)
    (tmp_path / "in" / name).write_bytes(content)
    with pytest.raises(UnderstudyError, match=message):
        converted(tmp_path / "in", "hoi4d")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
