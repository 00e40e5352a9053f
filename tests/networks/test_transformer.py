from dataclasses import replace

import pytest
import torch

from understudy.errors import UnderstudyError
from understudy.networks.action_diffusion import ActionDiffusion, DiffusionConfig
from understudy.networks.edm import EDM
from understudy.networks.transformer import Attention, Block, ConditionedBlock, position_codes

WIDTH, HEADS = 16, 2
SMALL = DiffusionConfig(WIDTH, HEADS, 1, 2, attention_dropout=0.0, dropout=0.0, mlp_dropout=0.0)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def test_attention_is_that_of_torch():
    ours, theirs = Attention(WIDTH, HEADS), torch.nn.MultiheadAttention(WIDTH, HEADS, bias=False, batch_first=True)
    weight = torch.cat([ours.query.weight, ours.key_value.weight])
    theirs.load_state_dict({"in_proj_weight": weight, "out_proj.weight": ours.out.weight})
    x, context = torch.randn(2, 3, WIDTH), torch.randn(2, 5, WIDTH)
    assert torch.allclose(ours(x, context), theirs(x, context, context)[0], atol=1e-6)


def test_a_conditioned_block_begins_as_the_identity_and_learns_from_its_condition():
    block = ConditionedBlock(WIDTH, HEADS)
    x, vector, context = torch.randn(2, 3, WIDTH), torch.randn(2, WIDTH), torch.randn(2, 4, WIDTH)
    assert torch.equal(block(x, vector, context), x)
    block(x, vector, context).square().sum().backward()
    assert float(block.modulation.weight.grad.abs().sum()) > 0


def test_a_block_does_not_know_the_order_of_its_tokens():
    block, order = Block(WIDTH, HEADS), torch.tensor([2, 0, 1])
    x = torch.randn(1, 3, WIDTH)
    assert torch.allclose(block(x)[:, order], block(x[:, order]), atol=1e-6)


def test_each_dropout_has_its_own_branch():
    x = torch.randn(1, 3, WIDTH)
    attention_out = Block(WIDTH, HEADS, dropout=1.0)
    assert torch.equal(attention_out(x), x + attention_out.mlp(attention_out.norms[1](x)))
    within_mlp = Block(WIDTH, HEADS, mlp_dropout=1.0)
    assert torch.equal(within_mlp(x), x + within_mlp.attention(within_mlp.norms[0](x)))
    within_mlp.eval()
    assert not torch.equal(within_mlp(x), x + within_mlp.attention(within_mlp.norms[0](x)))


def test_position_codes_are_apart_and_bounded():
    codes = position_codes(torch.arange(50), WIDTH)
    assert codes.shape == (50, WIDTH)
    assert float(codes.abs().max()) <= 1
    distances = torch.cdist(codes, codes) + torch.eye(50) * 9
    assert float(distances.min()) > 0.1


@pytest.mark.parametrize(("prediction", "off"), [("edm", 0.12), ("noise", 0.25)])
def test_action_diffusion_fits_an_action_that_its_condition_tells(prediction, off):
    head = ActionDiffusion(replace(SMALL, prediction=prediction), chunk=2, parts=(1,))
    tokens = torch.randn(2, 3, WIDTH)
    actions = torch.tensor([[[0.5], [0.5]], [[-0.5], [0.0]]])
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
    for _ in range(250):
        loss = head.loss(head.encode(tokens).repeat(8, 1, 1), actions.repeat(8, 1, 1), generator).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        found = head.sample(head.encode(tokens), torch.zeros(2, 2, 1), 8, "euler")
    assert torch.allclose(found, actions, atol=off)


def test_where_the_noise_is_predicted_levels_of_edm_are_refused():
    config = replace(SMALL, prediction="noise", edm=EDM(sigma_max=40.0))
    with pytest.raises(
        UnderstudyError, match=r"diffusion\.edm EDM\(.*sigma_max=40\.0.*the levels are DDPM's, set none"
    ):
        ActionDiffusion(config, chunk=2, parts=(1,))
