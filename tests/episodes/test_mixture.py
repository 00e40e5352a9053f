import numpy as np
import pytest

from understudy.episodes.mixture import Mixture
from understudy.errors import UnderstudyError


class Constant:
    def __init__(self, value: int, length: int = 5) -> None:
        self.value, self.length = value, length

    def __len__(self) -> int:
        return self.length

    def sample(self, index: int, rng: np.random.Generator) -> dict:
        assert 0 <= index < self.length
        return {"value": np.array(self.value), "index": np.array(index)}


def test_sources_are_drawn_by_weight():
    mixture = Mixture([Constant(0), Constant(1), Constant(2)], [3.0, 1.0, 0.0])
    rng = np.random.default_rng(0)
    values = [int(mixture.sample(i, rng)["value"]) for i in range(2000)]
    assert np.mean(np.equal(values, 1)) == pytest.approx(0.25, abs=0.03)
    assert 2 not in values
    assert len(mixture) == 10


def test_same_generator_same_sample():
    mixture = Mixture([Constant(0, 50), Constant(1, 50)], [1.0, 1.0])
    first, second = (
        [int(mixture.sample(i, np.random.default_rng([7, i]))["index"]) for i in range(20)] for _ in range(2)
    )
    assert first == second
    assert len(set(first)) > 5


@pytest.mark.parametrize("weights", [[1.0], [0.0, 0.0], [-1.0, 2.0], [float("nan"), 1.0]])
def test_weights_that_mean_nothing_are_refused(weights):
    with pytest.raises(UnderstudyError, match="weights"):
        Mixture([Constant(0), Constant(1)], weights)


def test_an_empty_source_is_refused():
    with pytest.raises(UnderstudyError, match="without samples"):
        Mixture([Constant(0, 0)], [1.0])
