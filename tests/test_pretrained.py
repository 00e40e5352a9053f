"""Policies that come with the package: small, with a card, and whole."""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from understudy.embodiments import get_embodiment
from understudy.methods import PRETRAINED, make_policy, policy_names
from understudy.methods.video_prompt.network_folder import read_representation, shipped_or_own
from understudy.records import Observation
from understudy.simulation.scene import tabletop_camera

FOLDERS = sorted(path for path in PRETRAINED.iterdir() if path.is_dir())
MIB = 2**20


def _size(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_all_together_are_small():
    assert FOLDERS
    assert sum(map(_size, FOLDERS)) <= 32 * MIB


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_checkpoint_is_small_and_its_card_says_what_it_is(folder):
    assert _size(folder) <= 12 * MIB
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card.startswith(f"# {folder.name}\n")
    for word in ("Data:", "Training:", "How well:", "Limits:", "Licence:"):
        assert f"**{word}**" in card


@pytest.mark.parametrize("name", [path.parent.name for path in PRETRAINED.glob("*/policy.json")])
def test_a_policy_acts_within_its_robots_reach(name):
    assert name in policy_names()
    robot = json.loads((PRETRAINED / name / "policy.json").read_text())["robot"]
    space, policy = get_embodiment(robot).action_space, make_policy(name, robot)
    policy.reset(None)
    size = policy.image_size
    home = (np.asarray(space.low) + np.asarray(space.high)) / 2
    image = np.full((size, size, 3), 128, dtype=np.uint8)
    chunk = policy.act(Observation(image, tabletop_camera(size), 0.0, home))
    assert chunk.actions.shape[1] == space.size
    assert np.isfinite(chunk.actions).all()
    assert np.abs(chunk.actions[:, :3] - home[:3]).max() < 2


@pytest.mark.parametrize("name", [path.parent.name for path in PRETRAINED.glob("*/network.json")])
def test_a_representation_tells_what_is_shown_and_where(name):
    """z of a prompt in which something moves, of the same elsewhere, and of one in which nothing does."""
    representation = read_representation(shipped_or_own(Path(name)))
    size, count = representation.model.image_size, representation.config.num_frames
    still = torch.zeros(1, count, 3, size, size)
    left, right = still.clone(), still.clone()
    left[:, count // 2 :, :, 20:40, 10:20], right[:, count // 2 :, :, 20:40, 40:50] = 1, 1
    z = [representation(prompt, still[:, 0])[0] for prompt in (still, left, right)]
    assert len(z[0]) == representation.config.size
    assert all(torch.isfinite(one).all() for one in z)
    assert min(float((a - b).square().mean()) for a, b in combinations(z, 2)) > 0.01
