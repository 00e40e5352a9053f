"""The language row with CLIP's text tower in place of a bag of words: trained, exported, read again, acting."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.episodes.acted_recording import ROBOT, write_acted
from tests.methods.shrunken_clip import WIDTH, write_clip_text
from tests.methods.video_prompt.observations import observation

from understudy.errors import UnderstudyError
from understudy.methods import make_policy
from understudy.methods.experiments import get_experiment
from understudy.methods.settings import with_settings
from understudy.networks.text import ClipText
from understudy.training import train


@pytest.fixture
def trained(tmp_path):
    data, clip = write_acted(tmp_path / "data", copies=3), write_clip_text(tmp_path / "clip")
    experiment = with_settings(get_experiment("video_prompt_xhand_debug_language"), [f"clip={clip}"])
    train(replace(experiment, data=(data,)), tmp_path / "run", threads=1, tensorboard=False)
    return tmp_path


def test_it_learns_from_clips_vectors_and_acts_by_them(trained):
    folder = trained / "run" / "policy"
    assert json.loads((folder / "policy.json").read_text())["text"] == {"clip": str(trained / "clip")}
    policy = make_policy(str(folder), ROBOT)
    assert policy._model.config.z_size == WIDTH
    torch.nn.init.normal_(policy._model.path.weight)
    paths = {}
    for label in ("do push", "do lift", "do open", None):
        policy.reset(label)
        assert np.isfinite(policy.act(observation(0)).actions).all()
        paths[label] = policy._path
    with torch.inference_mode():
        said = policy._model.plan(ClipText(trained / "clip").vectors(["do push"]))
    assert torch.equal(paths["do push"], said)
    assert not torch.allclose(paths["do lift"], paths["do open"], atol=1e-3), "a bag of words knows neither"
    assert not torch.allclose(paths["do push"], paths[None], atol=1e-3)


def test_a_tower_that_is_gone_is_named(trained):
    shutil.rmtree(trained / "clip")
    with pytest.raises(UnderstudyError, match=r"clip: no CLIP folder: it needs config\.json"):
        make_policy(str(trained / "run" / "policy"), ROBOT)
