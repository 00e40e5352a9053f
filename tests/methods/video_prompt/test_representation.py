from dataclasses import replace

import numpy as np
import pytest
import torch

from understudy.errors import UnderstudyError
from understudy.methods.video_prompt.representation import Representation, RepresentationConfig
from understudy.networks.video_diffusion.small import SmallConfig, SmallVideoModel
from understudy.networks.video_diffusion.small_unet import UNetConfig

CONFIG = RepresentationConfig(("up_0", "up_1"), num_frames=4, times=2, cells=2, channels=3)
SIZES = SmallConfig(32, UNetConfig(8, (8, 16), heads=2, blocks=1), (8, 8, 8), prompt_width=8)
NUM_FEATURES = 8 + 16


@pytest.fixture
def representation():
    torch.manual_seed(0)
    return Representation(SmallVideoModel(SIZES), CONFIG, NUM_FEATURES)


@pytest.fixture
def seen():
    g = torch.Generator().manual_seed(1)
    return torch.rand(6, 4, 3, 32, 32, generator=g) * 2 - 1, torch.rand(6, 3, 32, 32, generator=g) * 2 - 1


def test_z_is_the_principal_components_in_units_of_their_deviation(representation, seen):
    features = representation.features(*seen)
    assert features.shape == (6, 2, 4, NUM_FEATURES)
    representation.fit([features[:2], features[2:]])
    z = representation(*seen)
    assert z.shape == (6, CONFIG.size)
    rows = features.flatten(0, 2).double().numpy()
    u, *_ = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    theirs = u[:, :3] * np.sqrt(len(rows) - 1)
    ours = z.reshape(-1, 3).double().numpy()
    assert np.allclose(np.abs(theirs * np.sign(theirs[0]) - ours * np.sign(ours[0])).max(), 0, atol=2e-3)
    assert np.allclose(np.cov(ours.T), np.eye(3), atol=1e-3)


def test_it_keeps_where_and_when(representation, seen):
    """Maps that differ in one frame and one corner alone differ in the numbers of that time and cell alone."""
    features = representation.features(*seen)
    representation.fit([features])
    other = features.clone()
    other[:, 1, 3] += 1
    changed = (representation.project(features) != representation.project(other)).any(0).reshape(2, 4, 3)
    assert changed[1, 3].all()
    assert int(changed.sum()) == 3


def test_what_stays_is_how_the_scene_is_to_change(representation, seen):
    """Runs of two frames: twice the mean of the first run is the second frame, for nothing changes in the first."""
    whole = Representation(representation.model, replace(CONFIG, change=False, times=4), NUM_FEATURES)
    maps = whole.features(*seen)
    change = maps - maps[:, :1]
    assert torch.allclose(representation.features(*seen), change.unflatten(1, (2, 2)).mean(2), atol=1e-5)
    assert change.abs().max() > 0.1


def test_it_sees_prompt_and_scene_and_nothing_else(representation, seen):
    torch.nn.init.normal_(representation.model.unet.conv_out.weight)
    prompt, scene = seen
    features = representation.features(prompt, scene)
    assert torch.allclose(representation.features(prompt[:1], scene[:1]), features[:1], atol=1e-4)
    assert not torch.allclose(representation.features(prompt.flip(0), scene), features, atol=1e-4)
    assert not torch.allclose(representation.features(prompt, scene.flip(0)), features, atol=1e-4)
    assert not any(p.requires_grad for p in representation.parameters())


def test_its_fingerprint_tells_weights_and_settings_apart(representation, seen):
    before = representation.fingerprint()
    assert representation.fingerprint() == before
    representation.fit([representation.features(*seen)])
    fitted = representation.fingerprint()
    other = Representation(representation.model, replace(CONFIG, seed=1), NUM_FEATURES)
    assert len({before, fitted, other.fingerprint()}) == 3
    representation.model.image_size = 64
    assert representation.fingerprint() != fitted


def test_what_cannot_be_fitted_is_said(representation):
    with pytest.raises(UnderstudyError, match="do not span 3 components"):
        representation.fit([torch.ones(2, 2, 4, NUM_FEATURES)])
    with pytest.raises(UnderstudyError, match="3 times of 4 frames"):
        Representation(representation.model, replace(CONFIG, times=3), NUM_FEATURES)
    with pytest.raises(UnderstudyError, match="3 components of 2 features"):
        Representation(representation.model, CONFIG, 2)
