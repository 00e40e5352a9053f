"""Both learned policies through the real entry points: two steps of training, a policy folder, actions."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.methods.other_normalisation import with_another_normalisation

from understudy.embodiments import get_embodiment
from understudy.errors import UnderstudyError, UnknownName
from understudy.methods import make_policy
from understudy.methods.diffusion_policy import SamplingConfig
from understudy.methods.experiments import EXPERIMENTS, get_experiment
from understudy.perception.video import open_video, write_video
from understudy.records import Camera, Observation
from understudy.training import export_policy, train

from .conftest import LABELS, ROBOT, SIZE, write_pairs

DEBUG = ("video_decoder_tabletop_debug", "dp_language_tabletop_debug")


@pytest.fixture(scope="module")
def folders(pairs, tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    for name in DEBUG:
        train(replace(get_experiment(name), data=(pairs,)), root / name, threads=1, tensorboard=False)
    return {name.split("_tabletop")[0]: root / name / "policy" for name in DEBUG}


def prompt_for(method, folder):
    if method == "dp_language":
        return LABELS[0]
    frames = np.random.default_rng(1).integers(0, 255, (9, 48, 64, 3), dtype=np.uint8)
    write_video(folder / "clip.mp4", list(frames), 20.0)
    return open_video(folder / "clip.mp4")


def observation(seed=0, states=7):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8)
    return Observation(image, Camera(SIZE, SIZE, np.eye(3)), 0.0, rng.uniform(-0.1, 0.1, states))


def same(first, second):
    """The same but for rounding, which depends on where arrays happen to lie in memory."""
    return np.allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("method", ["video_decoder", "dp_language"])
def test_a_trained_policy_acts_from_its_folder(folders, method, tmp_path):
    policy = make_policy(str(folders[method]), ROBOT)
    assert policy.image_size == SIZE
    policy.reset(prompt_for(method, tmp_path))
    chunk = policy.act(observation())
    assert chunk.actions.shape == (4, get_embodiment(ROBOT).action_space.size)
    assert chunk.dt_s == pytest.approx(0.1)
    assert np.isfinite(chunk.actions).all()
    again = make_policy(str(folders[method]), ROBOT)
    again.reset(prompt_for(method, tmp_path))
    assert same(again.act(observation()).actions, chunk.actions)


@pytest.mark.parametrize("method", ["video_decoder", "dp_language"])
def test_prompt_observation_and_history_all_count(folders, method, tmp_path):
    def chunks(prompt, *seen):
        policy = make_policy(str(folders[method]), ROBOT)
        # Two steps leave gates and output near zero: larger weights make every path visible.
        for weight in policy._model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())) * 0.3)
        policy.reset(prompt)
        return [policy.act(o).actions for o in seen][-1]

    prompt = prompt_for(method, tmp_path)
    base = chunks(prompt, observation(0), observation(1))
    assert same(base, chunks(prompt, observation(0), observation(1)))
    assert not same(base, chunks(None, observation(0), observation(1)))
    assert not same(base, chunks(prompt, observation(0), observation(2)))
    assert not same(base, chunks(prompt, observation(2), observation(1)))


@pytest.mark.parametrize("name", DEBUG)
def test_a_policy_is_exported_from_the_data_it_was_trained_on_wherever_they_are(folders, pairs, name, tmp_path):
    policy = folders[name.split("_tabletop")[0]]
    before = (policy / "policy.json").read_text()
    moved = shutil.copytree(pairs, tmp_path / "moved")
    export_policy(replace(get_experiment(name), data=(moved,)), policy.parent)
    assert (policy / "policy.json").read_text() == before
    other = write_pairs(tmp_path / "other", lengths=(6, 9, 8))
    with pytest.raises(UnderstudyError, match=r"data of another normalisation than .*other has"):
        export_policy(replace(get_experiment(name), data=(other,)), policy.parent)
    said_otherwise = write_pairs(tmp_path / "said_otherwise", labels=("push it", *LABELS[1:]))
    with pytest.raises(UnderstudyError, match=r"data of another labels than"):
        export_policy(replace(get_experiment(name), data=(said_otherwise,)), policy.parent)
    assert (policy / "policy.json").read_text() == before


@pytest.mark.parametrize("method", ["video_decoder", "dp_language"])
def test_a_prompt_of_the_wrong_kind_is_refused(folders, method, tmp_path):
    policy = make_policy(str(folders[method]), ROBOT)
    other = "dp_language" if method == "video_decoder" else "video_decoder"
    with pytest.raises(UnderstudyError, match="prompted with a"):
        policy.reset(prompt_for(other, tmp_path))


def test_a_policy_refuses_another_robot_and_another_state(folders, tmp_path):
    with pytest.raises(UnderstudyError, match="trained for xarm7_gripper, so it cannot act on xarm7_xhand"):
        make_policy(str(folders["video_decoder"]), "xarm7_xhand")
    policy = make_policy(str(folders["dp_language"]), ROBOT)
    policy.reset("press a button")
    with pytest.raises(UnderstudyError, match="7 numbers, not 19"):
        policy.act(observation(states=19))


def test_unknown_names_list_policies_and_experiments():
    with pytest.raises(UnknownName, match="kinematic"):
        make_policy("video_decodr", ROBOT)
    with pytest.raises(UnknownName, match="video_decoder_tabletop_tiny"):
        get_experiment("video_decoder")


def _damage_weights(folder, change):
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def _damage_description(folder, change):
    content = json.loads((folder / "policy.json").read_text())
    change(content)
    (folder / "policy.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: _damage_weights(f, lambda t: t.pop("path.bias")), "1 missing keys, such as path.bias"),
        (lambda f: _damage_weights(f, lambda t: t.update(extra=torch.ones(1))), "1 unknown keys, such as extra"),
        (lambda f: _damage_weights(f, lambda t: t.update({"path.bias": torch.ones(2)})), "path.bias is"),
        (lambda f: (f / "model.safetensors").write_bytes(b"short"), "not a whole safetensors file"),
        (lambda f: (f / "model.safetensors").unlink(), "model.safetensors"),
        (lambda f: _damage_description(f, lambda c: c.pop("normalisation")), "no field 'normalisation'"),
        (lambda f: _damage_description(f, lambda c: c.update(format="understudy policy 9")), "understudy policy 9"),
        (lambda f: _damage_description(f, lambda c: c["model"].update(depth=3)), "unknown field .depth.; valid: image"),
        (lambda f: _damage_description(f, lambda c: c["sampling"].update(steps=0)), "sampling: needs steps"),
        (
            lambda f: _damage_description(f, lambda c: c["sampling"].update(execute=5)),
            "execute 5 of a chunk of 4 actions",
        ),
        (lambda f: (f / "policy.json").write_text("{"), "not a policy"),
    ],
)
def test_damaged_folders_name_file_and_field(folders, tmp_path, damage, message):
    folder = tmp_path / "policy"
    folder.mkdir()
    for file in folders["video_decoder"].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    damage(folder)
    with pytest.raises(UnderstudyError, match=message) as caught:
        make_policy(str(folder), ROBOT)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("method", ["video_decoder", "dp_language"])
def test_the_normalisation_of_other_data_is_refused(folders, tmp_path, method):
    with pytest.raises(UnderstudyError, match=r"policy.json: normalisation: has the fingerprint"):
        make_policy(str(with_another_normalisation(folders[method], tmp_path / "policy")), ROBOT)


def test_episodes_do_not_share_their_noise(folders, tmp_path):
    folder = shutil.copytree(folders["dp_language"], tmp_path / "policy")
    _damage_description(folder, lambda content: content["sampling"].update(start="noise"))
    policy = make_policy(str(folder), ROBOT)

    def episode(policy):
        policy.reset(LABELS[0])
        return [policy.act(observation(seed)).actions for seed in range(2)]

    first, again, fresh = episode(policy), episode(policy), episode(make_policy(str(folder), ROBOT))
    for actions in (again, fresh):
        assert all(map(same, actions, first))
    other = episode(make_policy(str(folder), ROBOT, seed=1))
    assert not same(other[0], first[0])


def test_more_actions_than_a_chunk_has_are_refused_before_training(pairs):
    experiment = replace(get_experiment(DEBUG[1]), data=(pairs,), sampling=SamplingConfig(execute=5))
    with pytest.raises(UnderstudyError, match=f"{DEBUG[1]}: execute 5 of a chunk of 4 actions: at most 4"):
        experiment.make_data()


@pytest.mark.parametrize("name", [n for n in EXPERIMENTS if "paper" not in n and not n.startswith("video_prompt")])
def test_every_experiment_builds_a_model_that_takes_a_step(name, tmp_path):
    experiment = get_experiment(name)
    assert experiment.name == name
    pairs = write_pairs(tmp_path, size=experiment.model.image_size, robots=(experiment.robot,))
    experiment = replace(experiment, data=(pairs,), num_times=1)
    data = experiment.make_data()
    model = experiment.make_model(data)
    sample = data.sample(0, np.random.default_rng(0))
    batch = {key: torch.from_numpy(np.asarray(value))[None] for key, value in sample.items()}
    loss, parts = experiment.loss(model, batch, torch.Generator().manual_seed(0))
    loss.backward()
    assert torch.isfinite(loss)
    assert parts
    idle = [n for n, w in model.named_parameters() if w.grad is None and not n.startswith("text.")]
    assert not idle, "parameters that no loss reaches"
