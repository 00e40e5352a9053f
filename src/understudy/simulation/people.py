"""Who is filmed: size, skin and sleeve of a person, sampled from a seed.

Test seeds draw people that no other seed draws, and the axis `unseen_person` draws people whom no other episode shows.
"""

from typing import Literal

from understudy.embodiments.human_hand import HandBody
from understudy.records import Handedness
from understudy.simulation.layout import layout_rng
from understudy.simulation.seeds import split_of

__all__ = ["sample_person"]

Rgb = tuple[float, float, float]
_STREAM_PERSON = 4
_LEFT_HANDED = 0.3
"""Share of left hands where either is allowed."""
_HAND_LENGTH_M = (0.170, 0.205)
"""5th percentile of women to 95th of men, rounded (ANSUR II)."""
_UNSEEN_LENGTH_M = ((0.158, 0.166), (0.209, 0.216))
"""Of the axis `unseen_person`: smaller and larger than all others."""
_GIRTH_M = (-0.0008, 0.0012)
"""Bony to plump; see `HandBody.girth_m`."""
_SKINS: dict[str, tuple[Rgb, ...]] = {
    "train": ((0.87, 0.66, 0.53), (0.78, 0.56, 0.43), (0.62, 0.43, 0.31), (0.43, 0.29, 0.21), (0.92, 0.74, 0.63)),
    "test": ((0.83, 0.61, 0.48), (0.53, 0.36, 0.26), (0.90, 0.70, 0.60)),
    "unseen": ((0.36, 0.24, 0.18), (0.72, 0.50, 0.36), (0.94, 0.79, 0.70)),
}
_SLEEVES: dict[str, tuple[Rgb, ...]] = {
    "train": ((0.20, 0.30, 0.50), (0.35, 0.35, 0.37), (0.50, 0.16, 0.18), (0.20, 0.36, 0.28), (0.75, 0.73, 0.68)),
    "test": ((0.28, 0.24, 0.42), (0.14, 0.15, 0.17), (0.62, 0.50, 0.34)),
}


def sample_person(
    seed: int, handedness: Literal["right", "left", "any"] = "right", axis: str | None = None
) -> HandBody:
    """The person of a seed.

    Args:
        seed: see `seeds.py`.
        handedness: which hand is used; `any` makes about three in ten use the left one.
        axis: on `unseen_person` a small or a large hand on a bare arm; other axes change nothing.
    """
    rng = layout_rng(seed, _STREAM_PERSON)
    pool = "test" if split_of(seed) == "test" else "train"
    unseen = axis == "unseen_person"
    skins = _SKINS["unseen" if unseen else pool]
    skin = skins[rng.integers(len(skins))]
    sleeve = skin if unseen else _SLEEVES[pool][rng.integers(len(_SLEEVES[pool]))]
    lengths = _UNSEEN_LENGTH_M[rng.integers(2)] if unseen else _HAND_LENGTH_M
    length = round(float(rng.uniform(*lengths)), 4)
    left = rng.random() < _LEFT_HANDED
    girth = round(float(rng.uniform(*_GIRTH_M)), 5)
    hand: Handedness = handedness if handedness != "any" else ("left" if left else "right")
    return HandBody(hand_length_m=length, skin_rgb=skin, sleeve_rgb=sleeve, handedness=hand, girth_m=girth)
