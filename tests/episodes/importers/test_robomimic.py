"""RoboMimic files made as robosuite's are."""

import json

import numpy as np
import pytest

from understudy.errors import UnderstudyError

h5py = pytest.importorskip("h5py", reason="an extra: understudy[formats]")
ENVIRONMENT = {"env_name": "Lift", "type": 1, "env_kwargs": {"control_freq": 25, "robots": ["Panda"]}}


def write_file(path, film, demos=("demo_0", "demo_10", "demo_2"), length=5):
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps(ENVIRONMENT)
        data.attrs["total"] = length * len(demos)
        for name in demos:
            demo = data.create_group(name)
            demo.attrs["num_samples"] = length
            demo["actions"] = np.full((length, 7), float(name.removeprefix("demo_")))
            demo["states"] = rng.normal(size=(length, 32))
            demo["rewards"] = np.eye(length)[-1]
            demo["dones"] = np.eye(length, dtype=np.int64)[-1]
            for group in ("obs", "next_obs"):
                demo[f"{group}/robot0_eef_pos"] = rng.normal(size=(length, 3))
                demo[f"{group}/robot0_eef_quat"] = rng.normal(size=(length, 4))
                demo[f"{group}/robot0_gripper_qpos"] = rng.normal(size=(length, 2))
                demo[f"{group}/object"] = rng.normal(size=(length, 10))
                demo[f"{group}/agentview_image"] = film(length)
        file["mask/train"] = np.array([b"demo_0", b"demo_10"])
        file["mask/valid"] = np.array([b"demo_2"])
    return path


def test_observations_actions_and_ends_come_back(tmp_path, film, is_film, converted):
    path = write_file(tmp_path / "lift.hdf5", film)
    data = converted(path, "robomimic")
    assert (data.num_episodes, data.fps, data.robot_type, data.episode(0).task) == (3, 25, "Panda", "Lift")
    assert [data.column("action", index)[0, 0] for index in range(3)] == [0, 2, 10]  # demo_2 before demo_10
    with h5py.File(path) as file:
        observed = file["data/demo_2/obs"]
        parts = [observed[f"robot0_{key}"][:] for key in ("eef_pos", "eef_quat", "gripper_qpos")]
        np.testing.assert_allclose(data.column("observation.state", 1), np.concatenate(parts, axis=1), rtol=1e-6)
        np.testing.assert_allclose(data.column("observation.object", 1), observed["object"][:], rtol=1e-6)
    assert [data.episode(index).metadata["split"] for index in range(3)] == ["train", "valid", "train"]
    np.testing.assert_array_equal(data.column("next.reward", 0)[:, 0], [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(data.column("next.done", 0)[:, 0], [False] * 4 + [True])
    assert is_film(data.frames("observation.images.agentview_image", 1))


def test_an_instruction_of_the_episode_is_its_task(tmp_path, film, converted):
    path = write_file(tmp_path / "casa.hdf5", film, demos=("demo_0",))
    with h5py.File(path, "a") as file:
        file["data/demo_0"].attrs["ep_meta"] = json.dumps({"lang": "open the drawer"})
    assert converted(path, "robomimic").episode(0).task == "open the drawer"


def raw(file):
    del file["data/demo_0/obs"]


def shorter_actions(file):
    values = file["data/demo_0/actions"][:-1]
    del file["data/demo_0/actions"]
    file["data/demo_0/actions"] = values


def no_number(file):
    file["data/demo_0/obs/object"][2, 1] = np.nan


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (raw, r"no observations in '/data/demo_0'.*dataset_states_to_obs"),
        (shorter_actions, r"has 5 rows, the episode 4"),
        (no_number, r"'/data/demo_0/obs/object' holds values that are not finite"),
        (lambda file: file.__delitem__("data"), r"lift\.hdf5: no group 'data/demo_N'"),
        (lambda file: file["data"].attrs.__setitem__("env_args", "{"), r"attribute 'env_args' of '/data' is no JSON"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, film, converted, change, message):
    path = write_file(tmp_path / "lift.hdf5", film, demos=("demo_0",))
    with h5py.File(path, "a") as file:
        change(file)
    with pytest.raises(UnderstudyError, match=message):
        converted(path, "robomimic")
    assert not (tmp_path / "converted").exists()
