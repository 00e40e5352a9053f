import pytest
import torch

from understudy.errors import UnderstudyError
from understudy.methods.video_prompt.familiarity import UNFAMILIAR, Familiarity


def _draw(count, seed, shift=0.0):
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(6, 40, generator=torch.Generator().manual_seed(9))
    return (torch.randn(count, 6, generator=generator) + shift) @ mixed


@pytest.fixture
def fitted():
    familiarity = Familiarity(40, 400, components=8)
    familiarity.fit(_draw(400, 0))
    return familiarity


def test_prompts_like_those_of_training_score_evenly(fitted):
    scores = fitted(_draw(400, 1))
    for share in (0.1, 0.5, 0.9):
        assert (scores < share).float().mean().item() == pytest.approx(share, abs=0.08)


def test_what_training_never_saw_is_unfamiliar(fitted):
    assert (fitted(_draw(50, 2, shift=4.0)) < UNFAMILIAR).all()
    assert fitted(torch.full((1, 40), 50.0)).item() == 0


def test_the_score_falls_with_the_distance(fitted):
    far = torch.linspace(0, 6, 30)[:, None, None] * _draw(1, 3)
    scores = fitted(far.flatten(0, 1))
    assert scores[0] > 0.9
    assert (scores.diff() <= 1e-6).all()


def test_further_prompts_are_familiar_beside_those_of_before(fitted):
    far = _draw(300, 2, shift=4.0)
    both = Familiarity(40, 700, components=8)
    both.fit_beside(fitted, far)
    assert (fitted(_draw(50, 5, shift=4.0)) < UNFAMILIAR).all()
    for more in (_draw(200, 5, shift=4.0), _draw(200, 6)):
        assert both(more).mean() > 0.4
    assert both(torch.full((1, 40), 50.0)).item() == 0


def test_prompts_that_are_known_are_not_lacked(fitted):
    kept = Familiarity(40, 400, components=8)
    kept.load_state_dict({name: value.bfloat16().float() for name, value in fitted.state_dict().items()})
    assert not kept.lacks(_draw(400, 0)).any()
    assert kept.lacks(_draw(100, 1)).float().mean() > 0.95


def test_of_few_prompts_further_ones_are_told_in_the_components_there_are():
    few, more = Familiarity(40, 6), Familiarity(40, 60)
    few.fit(_draw(6, 0))
    more.fit_beside(few, _draw(54, 1))
    assert (few.basis.shape[1], more.basis.shape[1]) == (5, 40)
    assert not more.basis[:, 5:].any()
    assert more(_draw(30, 2)).mean() > 0.3


def test_weights_hold_all_of_it(fitted):
    other = Familiarity(40, 400, components=8)
    other.load_state_dict(fitted.state_dict())
    z = _draw(5, 4)
    assert torch.equal(other(z), fitted(z))


def test_too_few_prompts_are_refused():
    with pytest.raises(UnderstudyError, match="5 training prompts"):
        Familiarity(40, 5)
