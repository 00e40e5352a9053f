import pytest
import torch
from torch import nn

from understudy.errors import UnderstudyError
from understudy.networks.video_diffusion.lora import LoraLinear, add_lora, merge_lora

from .conftest import BATCH, FRAMES, random

RANK = 2


@pytest.fixture
def unet(model):
    """The model's UNet; whatever a test does to it is taken back."""
    before = {name: value.clone() for name, value in model.unet.state_dict().items()}
    yield model.unet
    merge_lora(model.unet)
    model.unet.load_state_dict(before)
    model.unet.requires_grad_(True)


def output(unet):
    ids, tokens = torch.ones(BATCH, 3), random(BATCH, 4, 16, seed=1)
    with torch.no_grad():
        return unet(random(BATCH, FRAMES, 8, 8, 8), torch.ones(BATCH), tokens, added_time_ids=ids).sample


def test_merged_is_unmerged_with_the_names_of_before(unet):
    names, plain = list(unet.state_dict()), output(unet)
    projections = [name for name, part in unet.named_modules() if name.endswith(("to_q", "to_k", "to_v", "to_out.0"))]
    assert add_lora(unet, RANK, alpha=3.0) == len(projections) > 0
    assert torch.equal(output(unet), plain)
    generator = torch.Generator().manual_seed(0)
    for part in unet.modules():
        if isinstance(part, LoraLinear):
            nn.init.normal_(part.up.weight, std=0.1, generator=generator)
    changed = output(unet)
    assert float((changed - plain).abs().max()) > 0.001
    assert merge_lora(unet) == len(projections)
    assert torch.allclose(output(unet), changed, rtol=1e-3, atol=1e-4)
    assert list(unet.state_dict()) == names


def test_only_the_low_rank_change_learns_and_is_scaled_by_alpha_over_rank(unet):
    add_lora(unet, RANK, alpha=3.0)
    learned = {name for name, value in unet.named_parameters() if value.requires_grad}
    assert learned
    assert all(name.endswith((".down.weight", ".up.weight")) for name in learned)
    layer = LoraLinear(nn.Linear(3, 4), RANK, alpha=3.0)
    nn.init.ones_(layer.up.weight)
    x = random(5, 3)
    expected = layer.base(x) + 1.5 * (x @ layer.down.weight.T).sum(dim=1, keepdim=True)
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_wrong_uses_are_said(unet):
    with pytest.raises(UnderstudyError, match="rank 0"):
        add_lora(unet, 0, alpha=1.0)
    with pytest.raises(UnderstudyError, match="is called to_z"):
        add_lora(unet, RANK, 1.0, ("to_z",))
    assert all(value.requires_grad for value in unet.parameters())
    add_lora(unet, RANK, 1.0)
    with pytest.raises(UnderstudyError, match="LoRA is there already"):
        add_lora(unet, RANK, 1.0)
