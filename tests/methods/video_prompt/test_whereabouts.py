import math
from dataclasses import replace

import pytest
import torch

from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt.model import PromptPolicyModel
from understudy.methods.video_prompt.whereabouts import WhereaboutsReader, progress_loss, state_loss


def test_the_way_points_ahead_are_those_from_the_present_one_on_and_the_last_is_held():
    reader = WhereaboutsReader(seen=1, width=8, action_size=1, ahead=3)
    path = torch.arange(4.0)[None, :, None].repeat(2, 1, 1)
    phases = torch.eye(4, 8)[None].repeat(2, 1, 1)
    _certain(reader, [1, 3])
    with torch.no_grad():
        reader.ahead_in.weight.fill_(1.0)
        reader.ahead_in.bias.zero_()
        reader.places.zero_()
        found = reader(torch.eye(2, 8)[:, None], path, phases)
    assert found.phase.argmax(1).tolist() == [1, 3]
    assert torch.allclose(found.tokens[:, 1:, 0], torch.tensor([[1.0, 2, 3], [3, 3, 3]]), atol=1e-3)
    assert found.states.shape == (2, 2, 1)


def _certain(reader, chosen):
    """Sample i, whose only token has a 1 at place i, is at way-point `chosen[i]`, whose token has a 1 there."""

    def query(x):
        return torch.stack([100 * torch.eye(8)[place] for place in chosen])[: len(x)]

    reader.query, reader.key = _Function(query), torch.nn.Identity()


class _Function(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def test_parts_of_a_state_count_alike_and_unknown_states_not_at_all():
    found = torch.zeros(2, 2, 3)
    true = torch.tensor([[[2.0, 1, 1], [9, 9, 9]], [[0, 0, 0], [0, 3, 3]]])
    known = torch.tensor([[True, False], [True, True]])
    assert state_loss((found - true).square(), known, (1, 2)).item() == pytest.approx(((4 + 1) / 2 + 0 + 9 / 2) / 3)
    assert state_loss((found - true).square(), torch.zeros(2, 2, dtype=torch.bool), (1, 2)) == 0


def test_progress_lies_between_two_way_points():
    logits = torch.tensor([[0.3, -1.0, 2.0]])
    share = logits.log_softmax(1)[0]
    assert progress_loss(logits, torch.tensor([0.0])).item() == pytest.approx(-share[0].item())
    assert progress_loss(logits, torch.tensor([1.0])).item() == pytest.approx(-share[2].item())
    assert progress_loss(logits, torch.tensor([0.625])).item() == pytest.approx(-(0.75 * share[1] + 0.25 * share[2]))
    best = torch.tensor([[math.log(1e-9), math.log(0.75), math.log(0.25)]])
    assert progress_loss(best, torch.tensor([0.625])) < progress_loss(best + torch.eye(3)[2], torch.tensor([0.625]))


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_the_action_head_is_told_the_state_and_as_many_way_points_as_wanted(ahead):
    config = get_experiment("video_prompt_xhand_debug").model
    model = PromptPolicyModel(replace(config, z_size=4 * 2 * 2 * 4, z_tokens=4, z_cells=2, ahead=ahead))
    path, images = torch.zeros(2, config.num_phases, config.action_size), torch.zeros(2, 2, 3, 32, 32)
    tokens, where = model.observe(path, images)
    told = 1 + ahead if ahead else 0
    assert tokens.shape[1] == 1 + config.num_phases + config.num_looks + 1 + told
    assert (where is not None) == (ahead > 0)
