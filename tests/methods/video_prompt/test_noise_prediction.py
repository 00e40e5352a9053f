"""A policy whose action head predicts noise, from the command line's settings to its actions."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.episodes.acted_recording import ROBOT, write_acted
from tests.methods.video_prompt.debug_policy import write_debug_policy
from tests.methods.video_prompt.observations import observation

from understudy.errors import UnderstudyError
from understudy.methods import make_policy
from understudy.methods.experiments import get_experiment
from understudy.methods.settings import with_settings
from understudy.methods.video_prompt.loss import LossConfig, acting_loss
from understudy.networks.action_diffusion import ActionDiffusion
from understudy.networks.ddpm import DDPM
from understudy.networks.edm import EDM
from understudy.training import train
from understudy.training.checkpoint import checkpoint_paths, load_checkpoint, save_checkpoint

NOISE = "model.diffusion.prediction=noise"


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    root = tmp_path_factory.mktemp("noise")
    write_debug_policy(root)
    debug = get_experiment("video_prompt_xhand_debug")
    return replace(debug, data=(write_acted(root / "data", copies=3),), representation=root / "representation")


@pytest.fixture(scope="module")
def trained(experiment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "noise"
    train(with_settings(experiment, (NOISE,)), folder, threads=1, tensorboard=False)
    return folder / "policy"


def test_a_policy_is_trained_to_predict_noise_and_acts(trained, prompt):
    policy = make_policy(str(trained), ROBOT)
    head = policy._head
    assert head.config.prediction == "noise"
    assert isinstance(head.levels, DDPM)
    torch.nn.init.normal_(policy._model.path.weight)
    for part in head.action_out.parts:
        torch.nn.init.normal_(part[-1].weight, std=0.01)
    chunks = []
    for seed in (0, 0, 1):
        policy.reset(prompt)
        chunks.append(policy.act(observation(seed)).actions)
    assert np.isfinite(chunks[0]).all()
    assert np.array_equal(chunks[0], chunks[1])
    assert not np.allclose(chunks[0], chunks[2])
    head.levels = EDM()
    policy.reset(prompt)
    assert not np.allclose(policy.act(observation(0)).actions, chunks[0]), "it was sampled as it was trained"


def test_what_is_not_known_is_refused_and_older_policies_are_edm(trained):
    path = trained / "policy.json"
    said = json.loads(path.read_text())
    assert said["model"]["diffusion"].pop("prediction") == "noise"
    try:
        path.write_text(json.dumps(said))
        assert make_policy(str(trained), ROBOT)._head.levels == EDM()
        said["model"]["diffusion"]["prediction"] = "flow"
        path.write_text(json.dumps(said))
        with pytest.raises(UnderstudyError, match=r"diffusion\.prediction: 'flow'; valid: 'edm', 'noise'$"):
            make_policy(str(trained), ROBOT)
    finally:
        said["model"]["diffusion"]["prediction"] = "noise"
        path.write_text(json.dumps(said))


def test_errors_of_the_noise_are_weighed_part_by_part(experiment):
    """Eq. 2 of eq. 3, of a head that says zero everywhere: the mean square of the noise, of each part."""
    torch.manual_seed(0)
    config = with_settings(experiment, (NOISE,)).model.diffusion
    head = ActionDiffusion(config, 4, (3, 4, 12))
    batch = {"actions": torch.rand(2, 1, 4, 19), "exists": torch.ones(2, 1, 4)}
    batch["exists"][:, :, 3] = 0
    noises = []
    randn = torch.randn

    def noted(*words, **named):
        noises.append(randn(*words, **named))
        return noises[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn", noted)
        weights = LossConfig(position=5.0, rotation=7.0, finger=11.0, at_highest=0.0, pdcp=None)
        context = torch.zeros(2, 1, config.width)
        total, _ = acting_loss(head, None, context, batch, torch.Generator().manual_seed(0), weights)
    square = noises[0][:, :3].square().mean((0, 1))
    expected = 5 * square[:3].mean() + 7 * square[3:7].mean() + 11 * square[7:].mean()
    torch.testing.assert_close(total, expected, rtol=1e-3, atol=0)


def test_a_run_that_is_older_than_the_setting_goes_on(experiment, tmp_path):
    train(experiment, tmp_path, steps=2, save_steps=1, keep=9, threads=1, tensorboard=False)
    first, last = checkpoint_paths(tmp_path / "checkpoints")
    last.unlink()
    path = tmp_path / "run.json"
    record = json.loads(path.read_text()) | {"status": "stopped"}
    checkpoint = load_checkpoint(first)
    for config in (record["config"], checkpoint.state["config"]):
        del config["model"]["diffusion"]["prediction"]
    path.write_text(json.dumps(record))
    save_checkpoint(first.parent, checkpoint)
    other = replace(with_settings(experiment, (NOISE,)), changes=())
    with pytest.raises(UnderstudyError, match="this run was made with model "):
        train(other, tmp_path, steps=2, resume=True, threads=1, tensorboard=False)
    resumed = train(experiment, tmp_path, steps=2, resume=True, threads=1, tensorboard=False)
    assert (resumed["status"], resumed["sessions"]) == ("finished", 2)
