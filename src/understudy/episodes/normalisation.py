"""Actions of several embodiments on one scale: fitted jointly, applied and undone exactly, kept as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from understudy.errors import UnderstudyError, UnknownName

__all__ = ["NORMALISATIONS", "Normalisation", "NormalisationKind", "fit_normalisation"]

NormalisationKind = Literal["unit", "symmetric", "gaussian", "quantile"]
NORMALISATIONS: dict[str, str] = {
    "unit": "joint minimum and maximum to [0, 1] (video_prompt, eq. 12)",
    "symmetric": "joint minimum and maximum to [-1, 1]",
    "gaussian": "joint mean and standard deviation to 0 and 1",
    "quantile": "joint 1 % and 99 % quantiles to [-1, 1]; beyond them it goes on linearly",
}
"""Kind -> what it does."""
_SMALLEST_RANGE = 0.02
"""Dimensions that move less than this (m or rad) are divided by it: a constant one stays a constant, and what a body
does beside its commands (joints sag by a degree) stays small beside what others do."""


@dataclass(frozen=True)
class Normalisation:
    """normalised = (x - offset) / scale, per dimension."""

    kind: str
    names: tuple[str, ...]
    """One per dimension; a policy refuses data whose names or order differ."""
    offset: Float[np.ndarray, " A"]
    scale: Float[np.ndarray, " A"]

    def apply(self, values: Float[np.ndarray, "*B A"]) -> Float[np.ndarray, "*B A"]:
        """To the normalised range, as float32."""
        return ((values - self.offset) / self.scale).astype(np.float32)

    def invert(self, values: Float[np.ndarray, "*B A"]) -> Float[np.ndarray, "*B A"]:
        """Back to metres and radians."""
        return values.astype(np.float64) * self.scale + self.offset

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, exact to the last bit."""
        return {
            "kind": self.kind,
            "names": list(self.names),
            "offset": self.offset.tolist(),
            "scale": self.scale.tolist(),
        }

    @staticmethod
    def from_json(content: Mapping[str, Any], where: str) -> "Normalisation":
        """Read what `to_json` gave.

        Raises:
            UnderstudyError: names `where` and the field that is missing or does not fit.
        """
        try:
            kind, names = content["kind"], tuple(content["names"])
            offset, scale = (np.array(content[key], dtype=np.float64) for key in ("offset", "scale"))
        except (KeyError, TypeError, ValueError) as error:
            raise UnderstudyError(f"{where}: a normalisation needs kind, names, offset and scale: {error}") from error
        if kind not in NORMALISATIONS:
            raise UnknownName("normalisation", str(kind), NORMALISATIONS)
        if not offset.shape == scale.shape == (len(names),):
            raise UnderstudyError(f"{where}: offset and scale need one number for each of the {len(names)} names")
        for name, low, spread in zip(names, offset, scale, strict=True):
            if not (np.isfinite(low) and np.isfinite(spread) and spread > 0):
                raise UnderstudyError(
                    f"{where}: {name}: offset {low:g}, scale {spread:g}: must be finite numbers, scale above 0"
                )
        return Normalisation(kind, names, offset, scale)


def fit_normalisation(kind: str, values: Sequence[Float[np.ndarray, "_ A"]], names: tuple[str, ...]) -> Normalisation:
    """Fit one normalisation to the union of several sets of actions or states.

    Args:
        kind: a name of `NORMALISATIONS`.
        values: valid rows of every set, in the same action space.
        names: of the dimensions.

    Raises:
        UnknownName: unknown kind.
        UnderstudyError: no rows, another number of dimensions than names, or numbers that are not finite.
    """
    if kind not in NORMALISATIONS:
        raise UnknownName("normalisation", kind, NORMALISATIONS)
    for index, rows in enumerate(values):
        if rows.shape[1] != len(names):
            raise UnderstudyError(f"normalisation: set {index} has {rows.shape[1]} dimensions, not {len(names)}")
        if not np.isfinite(rows).all():
            raise UnderstudyError(f"normalisation: set {index} holds numbers that are not finite")
    x = np.concatenate(list(values)).astype(np.float64) if values else np.empty((0, len(names)))
    if not len(x):
        raise UnderstudyError("normalisation: no valid rows to fit to")
    if kind == "gaussian":
        offset, spread = x.mean(0), x.std(0)
    else:
        low, high = np.quantile(x, [0.01, 0.99], axis=0) if kind == "quantile" else (x.min(0), x.max(0))
        offset, spread = (low, high - low) if kind == "unit" else ((low + high) / 2, (high - low) / 2)
    return Normalisation(kind, names, offset, np.maximum(spread, _SMALLEST_RANGE))
