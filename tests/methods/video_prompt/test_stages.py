"""Both stages by their real entry points on a tiny recording: train, resume, export, act."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.episodes.acted_recording import ROBOT, SIZE, write_acted
from tests.methods.other_normalisation import with_another_normalisation
from tests.methods.video_prompt.observations import observation

from understudy.embodiments import get_embodiment
from understudy.episodes.image_shift import ImageShift
from understudy.episodes.painted_scene import PaintedScenes
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.square_image import square_image
from understudy.episodes.windows import even_frames
from understudy.errors import UnderstudyError
from understudy.methods import make_policy
from understudy.methods.experiments import EXPERIMENTS, get_experiment
from understudy.methods.video_prompt import joint_experiments, svd_experiments, z_draws
from understudy.methods.video_prompt.familiarity import UNFAMILIAR
from understudy.methods.video_prompt.network_folder import (
    read_autoencoder,
    read_left_out,
    read_representation,
    read_sampling_steps,
)
from understudy.networks.image_encoder import ColourJitter, to_float
from understudy.records import Observation
from understudy.simulation.scene import tabletop_camera
from understudy.training import train

OF_THE_PAPER = {*svd_experiments.EXPERIMENTS, *joint_experiments.EXPERIMENTS}
"""They need published weights: see test_paper_stages.py."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of the runs of all three trainings, and the recording."""
    root = tmp_path_factory.mktemp("runs")
    data = (write_acted(root / "data", copies=3),)
    for name, settings in _stages(root).items():
        train(replace(get_experiment(name), data=data, **settings), root / name, threads=1, tensorboard=False)
    return root


def _stages(root):
    return {
        "video_prompt_autoencoder_debug": {},
        "video_prompt_stage1_debug": {"autoencoder": root / "video_prompt_autoencoder_debug" / "policy"},
        "video_prompt_xhand_debug": {"representation": root / "video_prompt_stage1_debug" / "policy"},
        "video_prompt_xhand_debug_language": {},
    }


def _experiment(root, name):
    return replace(get_experiment(name), data=(root / "data",), **_stages(root)[name])


def test_stage_1_is_built_on_the_autoencoder_and_keeps_it(trained):
    experiment = _experiment(trained, "video_prompt_autoencoder_debug")
    autoencoder = read_autoencoder(trained / "video_prompt_autoencoder_debug" / "policy", experiment.model)
    within = read_representation(trained / "video_prompt_stage1_debug" / "policy").model.autoencoder
    assert all(torch.equal(value, within.state_dict()[name]) for name, value in autoencoder.state_dict().items())


def test_stage_1_goes_on_from_a_representation(trained):
    start = trained / "video_prompt_stage1_debug" / "policy"
    experiment = replace(_experiment(trained, "video_prompt_stage1_debug"), start=start)
    data = experiment.make_data()
    before = read_representation(start).model.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in experiment.make_model(data).state_dict().items())
    with pytest.raises(UnderstudyError, match=r"a video model of .*, this run's is"):
        replace(experiment, model=replace(experiment.model, prompt_width=16)).make_model(data)


def test_an_autoencoder_is_trained_on_and_stage_1_goes_on_with_it(trained, tmp_path):
    start = trained / "video_prompt_stage1_debug" / "policy"
    before = read_representation(start).model
    again = replace(_experiment(trained, "video_prompt_autoencoder_debug"), start=start)
    begun = again.make_model(again.make_data())
    assert all(torch.equal(w, before.autoencoder.state_dict()[name]) for name, w in begun.state_dict().items())
    with pytest.raises(UnderstudyError, match=r"an autoencoder of .*latent=8.*, this run's is .*latent=16"):
        replace(again, model=replace(again.model, latent=16)).make_model(again.make_data())

    train(again, tmp_path, threads=1, tensorboard=False)
    other = read_autoencoder(tmp_path / "policy", again.model).state_dict()
    assert not torch.equal(other["decoder.0.weight"], before.autoencoder.decoder[0].weight)
    experiment = replace(_experiment(trained, "video_prompt_stage1_debug"), start=start, start_autoencoder=False)
    model = replace(experiment, autoencoder=tmp_path / "policy").make_model(experiment.make_data()).state_dict()
    for name, value in before.state_dict().items():
        expected = other[name.removeprefix("autoencoder.")] if name.startswith("autoencoder.") else value
        assert torch.equal(model[name], expected)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"times": 3}, "3 times of 4 frames"),
        ({"taps": ("up_9",)}, "unknown up-block 'up_9'"),
        ({"num_frames": 8}, "clips.num_frames 4, pooling.num_frames 8: must be the same"),
    ],
)
def test_what_could_not_be_exported_is_not_trained(trained, changes, said):
    experiment = _experiment(trained, "video_prompt_stage1_debug")
    experiment = replace(experiment, pooling=replace(experiment.pooling, **changes))
    with pytest.raises(UnderstudyError, match=said):
        experiment.make_model(experiment.make_data())


def test_passes_of_a_video_are_exported_with_its_model(trained, tmp_path):
    experiment = replace(_experiment(trained, "video_prompt_stage1_debug"), sampling_steps=7)
    data = experiment.make_data()
    experiment.export(experiment.make_model(data), data, tmp_path)
    assert read_sampling_steps(tmp_path) == 7
    assert read_sampling_steps(trained / "video_prompt_stage1_debug" / "policy") == 1
    with pytest.raises(UnderstudyError, match="sampling_steps 0: must be a whole number, at least 1"):
        replace(experiment, sampling_steps=0).make_model(data)


def test_what_training_left_out_is_exported_with_the_model(trained, tmp_path):
    experiment = _experiment(trained, "video_prompt_stage1_debug")
    assert read_left_out(trained / experiment.name / "policy") == ("prompt",)
    experiment = replace(experiment, losses=replace(experiment.losses, drop_prompt=0.0))
    data = experiment.make_data()
    experiment.export(experiment.make_model(data), data, tmp_path)
    assert read_left_out(tmp_path) == ()


def test_draws_of_z_are_of_images_shifted_as_the_sample_is(trained, monkeypatch):
    """With colours and times left as they are, a draw is what the shifted clip and scene give."""
    monkeypatch.setattr(z_draws, "uneven_frames", lambda length, count, rng: even_frames(length, count))
    experiment = _experiment(trained, "video_prompt_xhand_debug")
    losses, acted = replace(experiment.losses, jitter=ColourJitter(0.0)), replace(experiment.acted, shift=2)
    data = replace(experiment, losses=losses, acted=acted).make_data()
    representation = read_representation(experiment.representation)
    clip = data.windows.prompt(2, 4)
    root, actor, episode = data.windows.clips(2)
    scene = EpisodeReader(root / actor).frames(z_draws._IMAGES, episode, [0])[0]
    seen = set()
    for draw in range(20):
        z, shift = data.z(2, np.random.default_rng(draw))
        images = (to_float(torch.from_numpy(shift.images(shown)[None])) for shown in (clip, scene))
        assert np.abs(z - representation(*images)[0].numpy()).max() < 0.02
        sample = data.sample(2, np.random.default_rng(draw))
        assert np.array_equal(sample["z"], z)
        rng = np.random.default_rng(draw)
        rng.integers(4)  # the draw
        assert np.array_equal(sample["images"], data.windows.sample(2, rng, shift)["images"])
        seen.add(shift)
    assert ImageShift() in seen
    assert len(seen) > 2


def test_z_of_the_training_data_is_whitened(trained):
    data = _experiment(trained, "video_prompt_xhand_debug").make_data()
    z = np.stack([data.sample(i, np.random.default_rng(0))["z"] for i in range(len(data))])
    assert z.shape == (12, 32)
    assert 0.3 < z.std() < 3


def _in_scene_of(data, index, name, representation):
    """Z of a robot's or person's scene and the person's clip of the layout of an episode, at even times."""
    root, _, episode = data.windows.clips(index)
    scene = EpisodeReader(root / name).frames(z_draws._IMAGES, episode, [0])[0]
    images = (to_float(torch.from_numpy(shown[None])) for shown in (data.windows.prompt(index, 4), scene))
    return representation(*images)[0].numpy()


def test_z_is_moved_to_the_other_bodys_scene_by_what_a_robots_scene_does_to_it(trained):
    experiment = replace(_experiment(trained, "video_prompt_xhand_debug"), variants=1)
    representation = read_representation(experiment.representation)
    plain, data = experiment.make_data(), replace(experiment, scene_arithmetic=1.0).make_data()
    acts = [data.windows.clips(index)[1] for index in range(len(data))]
    persons, robots = acts.index("human_hand"), [index for index, actor in enumerate(acts) if actor == ROBOT]
    changes = np.stack(
        [np.subtract(*(_in_scene_of(data, i, name, representation) for name in (ROBOT, "human_hand"))) for i in robots]
    )
    for index, sign in ((robots[0], -1), (persons, 1)):
        own = plain.z(index, np.random.default_rng(0))[0]
        added = [sign * (data.z(index, np.random.default_rng(draw))[0] - own) for draw in range(8)]
        off = np.abs(np.stack(added)[:, None] - changes).max(-1)
        assert off.min(1).max() < 0.1 * np.abs(changes).max()
        assert len(set(off.argmin(1))) > 1
    prompts, before = data.prompts().numpy(), plain.prompts().numpy()
    assert np.allclose(prompts[: len(data)], before)
    moved = prompts[len(data) + persons] - before[persons]
    assert np.abs(moved - changes).max(-1).min() < 0.1 * np.abs(changes).max()


@pytest.mark.parametrize(
    ("share", "scene", "expected"),
    [(1.5, "data", "scene_arithmetic 1.5: a share is from 0 to 1"), (0.5, "data/human_hand", "no robot's episode")],
)
def test_scene_arithmetic_says_what_it_needs(trained, share, scene, expected):
    experiment = _experiment(trained, "video_prompt_xhand_debug")
    with pytest.raises(UnderstudyError, match=expected):
        replace(experiment, data=(trained / scene,), scene_arithmetic=share).make_data()


def test_z_of_people_is_of_the_scene_with_the_robot_painted_in(trained):
    experiment = replace(_experiment(trained, "video_prompt_xhand_debug"), variants=1)
    plain, data = experiment.make_data(), replace(experiment, painted_robot=1.0).make_data()
    acts = [data.windows.clips(index)[1] for index in range(len(data))]
    people = [index for index, actor in enumerate(acts) if actor == "human_hand"]
    representation = read_representation(experiment.representation)
    size = representation.model.image_size
    scenes = PaintedScenes(ROBOT, size)
    for index in range(len(data)):
        before, after = (each.z(index, np.random.default_rng(0))[0] for each in (plain, data))
        if index not in people:
            np.testing.assert_array_equal(before, after)
            continue
        root, _, episode = data.windows.clips(index)
        reader = EpisodeReader(root / "human_hand")
        clip = np.stack([square_image(frame, size) for frame in reader.frames(z_draws._IMAGES, episode)])
        scene = scenes.scene(reader, episode, clip)
        assert (scene != clip[0]).any()
        images = (to_float(torch.from_numpy(shown[None])) for shown in (data.windows.prompt(index, 4), scene))
        np.testing.assert_allclose(after, representation(*images)[0].numpy(), atol=0.02)
        assert np.abs(after - before).max() > 0.02
    assert len(data.prompts()) == len(data) + len(people)


def test_the_share_of_painted_scenes_is_a_share(trained):
    with pytest.raises(UnderstudyError, match=r"painted_robot -0.5: a share is from 0 to 1"):
        replace(_experiment(trained, "video_prompt_xhand_debug"), painted_robot=-0.5).make_data()


def test_all_prompts_that_were_trained_on_are_known_to_familiarity(trained):
    windows = _experiment(trained, "video_prompt_xhand_debug").make_data().windows
    assert {windows.clips(index)[1] for index in range(len(windows))} == {"human_hand", ROBOT}
    policy = make_policy(str(trained / "video_prompt_xhand_debug" / "policy"), ROBOT)
    assert len(policy._model.familiarity.points) == len(windows)


def test_a_policy_acts_from_images_alone_and_follows_its_prompt(trained, prompt):
    policy = make_policy(str(trained / "video_prompt_xhand_debug" / "policy"), ROBOT)
    torch.nn.init.normal_(policy._model.path.weight)
    for head in policy._model.head.action_out.parts:
        torch.nn.init.normal_(head[-1].weight)
    policy.reset(prompt)
    chunk = policy.act(observation(0))
    assert chunk.actions.shape == (4, get_embodiment(ROBOT).action_space.size)
    assert chunk.dt_s == 0.1
    assert 0 <= policy.familiarity <= 1
    unfamiliar = policy.familiarity < UNFAMILIAR
    assert policy.notes == () if not unfamiliar else "unfamiliar" in policy.notes[0]
    policy.reset(prompt)
    assert np.array_equal(policy.act(observation(0)).actions, chunk.actions)
    assert not np.allclose(policy.act(observation(1)).actions, chunk.actions)
    policy.reset(None)
    assert "blank" in policy.notes[0]
    assert not np.allclose(policy.act(observation(0)).actions, chunk.actions)
    with pytest.raises(UnderstudyError, match="prompted with a video, not with a label"):
        policy.reset("push")


def test_the_scene_in_acting_is_made_as_in_training(trained, prompt, monkeypatch):
    policy = make_policy(str(trained / "video_prompt_xhand_debug" / "policy"), ROBOT)
    seen = []
    ours = policy._representation.forward
    monkeypatch.setattr(policy._representation, "forward", lambda clip, scene: seen.append(scene) or ours(clip, scene))
    policy.reset(prompt)
    image = np.random.default_rng(0).integers(0, 255, (48, 72, 3), dtype=np.uint8)
    policy.act(Observation(image, tabletop_camera(SIZE), 0.0, None))
    assert torch.equal(seen[0], to_float(torch.from_numpy(square_image(image, 32)[None])))
    assert policy.image_size == 32


def test_the_same_policy_is_told_in_words(trained, prompt):
    policy = make_policy(str(trained / "video_prompt_xhand_debug_language" / "policy"), ROBOT)
    assert policy.prompt_kind == "label"
    torch.nn.init.normal_(policy._model.path.weight)
    for head in policy._model.head.action_out.parts:
        torch.nn.init.normal_(head[-1].weight)
    said = {}
    for label in ("do push", "do press_button", None):
        policy.reset(label)
        said[label] = policy.act(observation(0)).actions
    assert policy.notes == ("blank label: any of the tasks that the scene allows",)
    assert not np.allclose(said["do push"], said["do press_button"])
    assert not np.allclose(said["do push"], said[None])
    with pytest.raises(UnderstudyError, match="with a label, not with a video"):
        policy.reset(prompt)


@pytest.mark.parametrize(
    "name", ["video_prompt_autoencoder_debug", "video_prompt_stage1_debug", "video_prompt_xhand_debug"]
)
def test_a_run_that_resumes_is_the_run_that_was_not_stopped(trained, tmp_path, name):
    experiment = _experiment(trained, name)
    train(experiment, tmp_path / "whole", steps=3, threads=1, tensorboard=False)
    train(experiment, tmp_path / "halves", steps=3, threads=1, tensorboard=False, save_steps=1, keep=9)
    for path in sorted((tmp_path / "halves" / "checkpoints").iterdir())[1:]:
        path.unlink()
    record = tmp_path / "halves" / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "stopped"}))
    shutil.rmtree(tmp_path / "halves" / "policy")
    train(experiment, tmp_path / "halves", steps=3, resume=True, threads=1, tensorboard=False)
    whole, halves = (load_file(tmp_path / run / "policy" / "model.safetensors") for run in ("whole", "halves"))
    assert all(torch.equal(value, halves[key]) for key, value in whole.items())


@pytest.mark.parametrize("name", [n for n in EXPERIMENTS if n.startswith("video_prompt") and n not in OF_THE_PAPER])
def test_every_experiment_builds_a_model_that_takes_a_step(trained, tmp_path, name):
    experiment = replace(get_experiment(name), data=(write_acted(tmp_path, size=96),))
    assert experiment.name == name
    if hasattr(experiment, "representation"):
        experiment = replace(experiment, representation=trained / "video_prompt_stage1_debug" / "policy")
    if hasattr(experiment, "autoencoder"):
        experiment = replace(experiment, autoencoder=None)
    data = experiment.make_data()
    model = experiment.make_model(data)
    sample = data.sample(0, np.random.default_rng(0))
    batch = {key: torch.from_numpy(np.asarray(value))[None] for key, value in sample.items()}
    loss, _ = experiment.loss(model, batch, torch.Generator().manual_seed(0))
    loss.backward()
    assert torch.isfinite(loss)
    learned = [(n, w) for n, w in model.named_parameters() if w.requires_grad]
    idle = [n for n, w in learned if w.grad is None and not n.startswith("pdcp.same")]  # without prototypes as yet
    assert not idle, "parameters that no loss reaches"


@pytest.mark.parametrize("name", ["video_prompt_xhand_debug", "video_prompt_xhand_debug_language"])
def test_the_normalisation_of_other_data_is_refused(trained, tmp_path, name):
    policy = with_another_normalisation(trained / name / "policy", tmp_path / "policy")
    with pytest.raises(UnderstudyError, match=r"policy.json: normalisation: has the fingerprint"):
        make_policy(str(policy), ROBOT)


def test_another_representation_is_refused(trained, tmp_path):
    folder = tmp_path / "policy"
    shutil.copytree(trained / "video_prompt_xhand_debug" / "policy", folder)
    said = json.loads((folder / "policy.json").read_text())
    said["representation"]["fingerprint"] = "another"
    (folder / "policy.json").write_text(json.dumps(said))
    with pytest.raises(UnderstudyError, match="is not the representation that"):
        make_policy(str(folder), ROBOT)
    said["representation"]["folder"] = "nowhere"
    (folder / "policy.json").write_text(json.dumps(said))
    with pytest.raises(UnderstudyError, match="no nowhere, which it was trained with"):
        make_policy(str(folder), ROBOT)
    with pytest.raises(UnderstudyError, match=r"a small_autoencoder, not a representation"):
        read_representation(trained / "video_prompt_autoencoder_debug" / "policy")
