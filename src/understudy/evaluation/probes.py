"""Linear probes: how much of a thing can be read off a representation by a linear map, on examples it never saw."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

from understudy.errors import UnderstudyError

__all__ = ["LinearProbe", "fit_linear_probe", "probe_class"]

_STRENGTHS = tuple(10.0**e for e in range(-2, 7))
"""Ridge penalties that are tried."""
_FOLDS = 5


@dataclass(frozen=True)
class LinearProbe:
    """y = (z - z_mean) / z_scale @ weights + y_mean."""

    z_mean: Float[np.ndarray, " Z"]
    z_scale: Float[np.ndarray, " Z"]
    weights: Float[np.ndarray, "Z Y"]
    y_mean: Float[np.ndarray, " Y"]
    penalty: float

    def __call__(self, z: Float[np.ndarray, "N Z"]) -> Float[np.ndarray, "N Y"]:
        """Read off."""
        return (z - self.z_mean) / self.z_scale @ self.weights + self.y_mean


def fit_linear_probe(z: Float[np.ndarray, "N Z"], y: Float[np.ndarray, "N Y"], seed: int = 0) -> LinearProbe:
    """Ridge regression on standardised z; the penalty is the one that predicts best in five-fold cross-validation.

    Solved in the dual (N x N), for z is longer than there are examples.

    Raises:
        UnderstudyError: fewer than ten examples, or numbers that are not finite.
    """
    if len(z) < 2 * _FOLDS or len(z) != len(y):
        raise UnderstudyError(f"a linear probe needs at least {2 * _FOLDS} examples of each, not {len(z)} and {len(y)}")
    if not (np.isfinite(z).all() and np.isfinite(y).all()):
        raise UnderstudyError("a linear probe needs finite numbers")
    fold = np.random.default_rng(seed).permutation(len(z)) % _FOLDS
    errors = np.zeros(len(_STRENGTHS))
    for held in range(_FOLDS):
        probes = _fit(z[fold != held], y[fold != held], _STRENGTHS)
        errors += [np.square(probe(z[fold == held]) - y[fold == held]).sum() for probe in probes]
    return _fit(z, y, [_STRENGTHS[int(errors.argmin())]])[0]


def _fit(z: Float[np.ndarray, "N Z"], y: Float[np.ndarray, "N Y"], penalties: Sequence[float]) -> list[LinearProbe]:
    z_mean, y_mean = z.mean(0), y.mean(0)
    deviation = z.std(0)
    z_scale = np.where(deviation > 1e-9, deviation, 1.0)
    unit = (z - z_mean) / z_scale
    values, vectors = np.linalg.eigh(unit @ unit.T)
    turned = vectors.T @ (y - y_mean)
    return [
        LinearProbe(z_mean, z_scale, unit.T @ (vectors @ (turned / (values[:, None] + p))), y_mean, p)
        for p in penalties
    ]


def probe_class(
    train: tuple[Float[np.ndarray, "N Z"], Shaped[np.ndarray, " N"]],
    test: tuple[Float[np.ndarray, "M Z"], Shaped[np.ndarray, " M"]],
) -> tuple[int, int]:
    """How many test examples are given their class, and of how many: ridge on one-hot classes, the largest wins."""
    classes = np.unique(train[1])
    wanted: Int[np.ndarray, "N K"] = (train[1][:, None] == classes).astype(int)
    found = classes[fit_linear_probe(train[0], wanted.astype(float))(test[0]).argmax(1)]
    return int((found == test[1]).sum()), len(test[1])
