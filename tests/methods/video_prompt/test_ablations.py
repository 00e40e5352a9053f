"""Runs of the ablations by their real entry points: train, export, act; each differs in the one thing it is about."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.episodes.acted_recording import ROBOT, SIZE, write_acted
from tests.methods.other_normalisation import with_another_normalisation
from tests.methods.video_prompt.observations import observation

from understudy.embodiments import get_embodiment
from understudy.errors import UnderstudyError
from understudy.methods import make_policy
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt.end_to_end import EndToEndModel
from understudy.methods.video_prompt.model import PromptPolicyModel
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.networks.image_encoder import to_float
from understudy.training import train

LATENTS, STAGE1 = "video_prompt_stage1_debug_latents", "video_prompt_stage1_debug"
END_TO_END, EACH_CHUNK = "video_prompt_xhand_debug_end_to_end", "video_prompt_xhand_debug_z_each_chunk"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of all runs, and of the recording."""
    root = tmp_path_factory.mktemp("runs")
    data = (write_acted(root / "data", copies=3),)
    of_scenes = {"representation": root / STAGE1 / "policy"}
    for name, settings in ((STAGE1, {}), (EACH_CHUNK, of_scenes), (LATENTS, {}), (END_TO_END, {})):
        train(replace(get_experiment(name), data=data, **settings), root / name, threads=1, tensorboard=False)
    return root


def clips(seed, count=2, frames=4):
    rng = np.random.default_rng(seed)
    return to_float(torch.from_numpy(rng.integers(0, 255, (count, frames, SIZE, SIZE, 3), dtype=np.uint8)))


def test_latents_are_of_the_prompt_and_of_no_video_model(trained):
    representation = read_representation(trained / LATENTS / "policy")
    prompts, scenes = clips(1), clips(2, frames=1)[:, 0]
    z = representation(prompts, scenes)
    torch.nn.init.normal_(representation.model.unet.conv_in.weight)
    assert torch.equal(representation(prompts, scenes), z)
    assert not torch.allclose(representation(clips(3), scenes), z)
    assert torch.equal(representation(prompts, clips(4, frames=1)[:, 0]), z)
    assert z.shape == (2, representation.config.size)


def test_a_run_without_training_keeps_the_first_weights():
    experiment = get_experiment("video_prompt_stage1_tiny_untrained")
    assert (experiment.num_steps, experiment.learning_rate, experiment.weight_decay) == (1, 0.0, 0.0)
    probabilities = {
        name: get_experiment(f"video_prompt_stage1_tiny{name}").clips.cross_probability for name in ("", "_p0", "_p1")
    }
    assert probabilities == {"": 0.6, "_p0": 0.0, "_p1": 1.0}


def test_the_gradient_reaches_an_encoder_that_learns_with_the_policy(trained):
    experiment = replace(get_experiment(END_TO_END), data=(trained / "data",))
    data = experiment.make_data()
    model = experiment.make_model(data)
    batch = {
        key: torch.from_numpy(np.asarray(value))[None]
        for key, value in data.sample(0, np.random.default_rng(0)).items()
    }
    loss, _ = experiment.loss(model, batch, torch.Generator().manual_seed(0))
    loss.backward()
    assert all(w.grad is not None and w.grad.isfinite().all() for w in model.model.encoder.parameters())
    assert max(float(w.grad.abs().max()) for w in model.model.encoder.parameters()) > 0


def test_what_an_encoder_makes_of_a_clip_is_the_path_but_for_one_linear_map(trained):
    experiment = get_experiment(END_TO_END)
    model = EndToEndModel(experiment.sizes).eval()
    assert experiment.sizes.encoder.tokens == experiment.model.num_phases
    z = model.z(clips(1, frames=5))
    path, tokens = model.policy.path, z.unflatten(1, (experiment.model.num_phases, -1))
    torch.testing.assert_close(model.policy.plan(z), tokens @ path.weight.T + path.bias)
    model.train()
    torch.testing.assert_close(model.policy.plan(z), tokens @ path.weight.T + path.bias, msg="without dropout")
    with pytest.raises(UnderstudyError, match="z_size 7: "):
        PromptPolicyModel(replace(model.policy.config, z_size=7))


def test_an_encoder_that_learned_with_the_policy_is_prompted_by_video(trained, prompt):
    policy = make_policy(str(trained / END_TO_END / "policy"), ROBOT)
    torch.nn.init.normal_(policy._model.path.weight)
    for head in policy._model.head.action_out.parts:
        torch.nn.init.normal_(head[-1].weight)
    policy.reset(prompt)
    seen = observation(0)
    seen.image.setflags(write=False)
    shown = policy.act(seen).actions
    assert policy.path().shape == (policy._model.config.num_phases, len(shown[0]))
    assert shown.shape == (4, get_embodiment(ROBOT).action_space.size)
    policy.reset(None)
    assert "blank" in policy.notes[0]
    assert not np.allclose(policy.act(observation(0)).actions, shown)
    with pytest.raises(UnderstudyError, match="prompted with a video, not with a label"):
        policy.reset("push")


def test_an_encoders_policy_with_the_normalisation_of_other_data_is_refused(trained, tmp_path):
    policy = with_another_normalisation(trained / END_TO_END / "policy", tmp_path / "policy")
    with pytest.raises(UnderstudyError, match=r"policy.json: normalisation: has the fingerprint"):
        make_policy(str(policy), ROBOT)


def test_z_is_made_anew_for_every_chunk_where_asked_for(trained, prompt):
    folder = trained / EACH_CHUNK / "policy"
    said = json.loads((folder / "policy.json").read_text())
    assert said["z_each_chunk"] is True
    policy = make_policy(str(folder), ROBOT)

    def paths(each_chunk):
        policy.each_chunk = each_chunk
        policy.reset(prompt)
        found = []
        for seed in (0, 1):
            policy.act(observation(seed))
            found.append(policy._path)
        return found

    torch.nn.init.normal_(policy._model.path.weight)
    assert not torch.allclose(*paths(each_chunk=True))
    assert torch.equal(*paths(each_chunk=False))


def test_scenes_of_any_time_are_learned_from(trained):
    settings = {"data": (trained / "data",), "representation": trained / STAGE1 / "policy", "variants": 3}
    anew = replace(get_experiment(EACH_CHUNK), **settings).make_data()
    once = replace(get_experiment("video_prompt_xhand_debug"), **settings).make_data()
    assert np.array_equal(anew.prompts(), once.prompts()), "the first draw is of the first image, as in acting"
    further = [(index, variant) for index in range(len(anew)) for variant in (1, 2)]
    assert any(not np.array_equal(anew._z.z(*place), once._z.z(*place)) for place in further)
