"""A DexYCB folder made as the toolkit reads it; SciPy is the oracle for the object's rotation."""

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from understudy.errors import UnderstudyError

yaml = pytest.importorskip("yaml", reason="an extra: understudy[formats]")
SERIALS = ("836212060125", "932122062010")
LENGTH, NO_HAND = 5, 3


def write_data(root, film):
    sequence = root / "20200709-subject-01" / "20200709_141754"
    rng = np.random.default_rng(0)
    turns = Rotation.random(LENGTH, random_state=rng)
    poses = np.zeros((LENGTH, 2, 3, 4))
    poses[:, 1, :, :3], poses[:, 1, :, 3] = turns.as_matrix(), rng.uniform(0.3, 0.9, (LENGTH, 3))
    joints = rng.uniform(0.1, 0.9, (LENGTH, 1, 21, 3))
    joints[NO_HAND] = -1
    for serial in SERIALS:
        folder = sequence / serial
        folder.mkdir(parents=True)
        for index, frame in enumerate(film(LENGTH)):
            Image.fromarray(frame).save(folder / f"color_{index:06d}.jpg", quality=95)
            labels = {"joint_3d": joints[index], "pose_y": poses[index], "pose_m": np.zeros((1, 51))}
            np.savez(folder / f"labels_{index:06d}.npz", seg=np.zeros((4, 4), np.uint8), **labels)
    meta = {"serials": list(SERIALS), "num_frames": LENGTH, "extrinsics": "20200702_151821", "ycb_ids": [2, 10]}
    meta |= {"ycb_grasp_ind": 1, "mano_sides": ["right"], "mano_calib": ["20200709-subject-01_right"]}
    (sequence / "meta.yml").write_text(yaml.safe_dump(meta))
    calibration = root / "calibration"
    (calibration / "extrinsics_20200702_151821").mkdir(parents=True)
    (calibration / "intrinsics").mkdir()
    matrices = {serial: np.eye(3, 4).ravel().tolist() for serial in SERIALS}
    extrinsics = {"master": SERIALS[0], "extrinsics": matrices}
    (calibration / "extrinsics_20200702_151821/extrinsics.yml").write_text(yaml.safe_dump(extrinsics))
    for serial in SERIALS:
        color = {"color": {"fx": 614.0, "fy": 615.0, "ppx": 320.5, "ppy": 240.5}}
        (calibration / f"intrinsics/{serial}_640x480.yml").write_text(yaml.safe_dump(color))
    return sequence, joints, poses, turns


def test_hand_and_grasped_object_come_back_for_each_camera(tmp_path, film, is_film, converted):
    _, joints, poses, turns = write_data(tmp_path / "dex-ycb", film)
    data = converted(tmp_path / "dex-ycb", "dexycb")
    assert (data.num_episodes, data.fps, data.robot_type) == (2, 30, "human_hand")
    assert data.episode(0).task == "pick up the banana"
    about = data.episode(1).metadata
    assert (about["handedness"], about["camera"]["serial"]) == ("right", SERIALS[1])
    assert about["camera"]["K"] == [[614.0, 0.0, 320.5], [0.0, 615.0, 240.5], [0.0, 0.0, 1.0]]
    seen = np.arange(LENGTH) != NO_HAND
    np.testing.assert_array_equal(data.column("truth.keypoints.valid", 1)[:, 0], seen)
    np.testing.assert_allclose(data.column("truth.keypoints", 1)[seen], joints[seen].reshape(-1, 63), rtol=1e-6)
    objects = data.column("truth.objects", 0)
    np.testing.assert_allclose(objects[:, :3], poses[:, 1, :, 3], rtol=1e-6)
    np.testing.assert_allclose(
        Rotation.from_quat(objects[:, 3:], scalar_first=True).as_matrix(), turns.as_matrix(), atol=1e-5
    )
    assert (np.sum(objects[1:, 3:] * objects[:-1, 3:], axis=1) >= 0).all()
    assert is_film(data.frames("observation.images.front", 0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: (s / SERIALS[0] / "labels_000002.npz").unlink(), r"labels_000002\.npz: no such file"),
        (lambda s: (s / SERIALS[0] / "labels_000002.npz").write_bytes(b"PK"), r"labels_000002\.npz: no readable"),
        (lambda s: np.savez(s / SERIALS[0] / "labels_000002.npz", pose_y=0), r"labels_000002\.npz: no 'joint_3d'"),
        (lambda s: (s / SERIALS[1] / "color_000001.jpg").write_bytes(b"x"), r"color_000001\.jpg: no readable picture"),
        (lambda s: (s / "meta.yml").write_text("serials: [1]\n"), r"meta\.yml: no 'num_frames' in it"),
        (lambda s: (s / "meta.yml").write_text("a: [1"), r"meta\.yml: no YAML"),
        (lambda s: (s / "meta.yml").unlink(), "no meta.yml in or below it"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(tmp_path, film, converted, change, message):
    change(write_data(tmp_path / "dex-ycb", film)[0])
    with pytest.raises(UnderstudyError, match=message):
        converted(tmp_path / "dex-ycb", "dexycb")
    assert [entry.name for entry in tmp_path.iterdir()] == ["dex-ycb"]
