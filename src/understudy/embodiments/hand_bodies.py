"""How the demonstrators' hands look: size, skin, sleeve; a pool to train on and one that is held out.

Hand lengths span the 5th percentile of women to the 95th of men: mean -+ 1.645 SD with the means of ANSUR II (Gordon et
al., 2014: 181 mm and 193 mm) and a standard deviation of 9.8 mm, 165 to 209 mm. Skin tones run from light to dark.
"""

from dataclasses import dataclass

from understudy.embodiments.hand_skeleton import ADULT_HAND_LENGTH_M
from understudy.records import Handedness

__all__ = ["HAND_BODIES", "HELD_OUT_BODIES", "TRAINING_BODIES", "HandBody"]

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class HandBody:
    """How one person's hand looks."""

    hand_length_m: float = ADULT_HAND_LENGTH_M
    """Wrist to tip of the middle finger, straight [m]."""
    skin_rgb: Rgb = (0.87, 0.66, 0.53)
    """Back of the hand, 0 to 1; the palm is paler."""
    sleeve_rgb: Rgb = (0.20, 0.30, 0.50)
    """0 to 1."""
    handedness: Handedness = "right"
    girth_m: float = 0.0
    """Skin moved out along its normals: bony (-0.0008) to plump (0.0012) [m]."""


TRAINING_BODIES = {
    "ada": HandBody(0.165, (0.91, 0.71, 0.60), (0.55, 0.12, 0.16), girth_m=-0.0004),
    "bela": HandBody(0.173, (0.78, 0.56, 0.42), (0.16, 0.36, 0.30), girth_m=0.0006),
    "chidi": HandBody(0.200, (0.38, 0.25, 0.18), (0.80, 0.78, 0.72), girth_m=0.0004),
    "dana": HandBody(0.181, (0.62, 0.43, 0.31), (0.18, 0.20, 0.24), girth_m=0.0),
    "emil": HandBody(0.193, (0.88, 0.66, 0.54), (0.20, 0.30, 0.50), girth_m=0.0008),
    "fumi": HandBody(0.178, (0.86, 0.67, 0.51), (0.42, 0.44, 0.47), girth_m=-0.0006),
    "goran": HandBody(0.209, (0.83, 0.60, 0.48), (0.30, 0.22, 0.16), girth_m=0.0010),
    "hana": HandBody(0.187, (0.50, 0.34, 0.24), (0.62, 0.55, 0.20), girth_m=-0.0002),
}
"""Eight people for training and validation."""
HELD_OUT_BODIES = {
    "ines": HandBody(0.169, (0.70, 0.49, 0.36), (0.75, 0.75, 0.78), girth_m=0.0003),
    "jon": HandBody(0.205, (0.92, 0.73, 0.63), (0.12, 0.14, 0.16), girth_m=-0.0003),
    "kofi": HandBody(0.190, (0.32, 0.21, 0.15), (0.45, 0.20, 0.35), girth_m=0.0007),
    "lin": HandBody(0.184, (0.84, 0.63, 0.47), (0.15, 0.45, 0.55), girth_m=0.0),
}
"""Four people for tests only."""
HAND_BODIES = TRAINING_BODIES | HELD_OUT_BODIES
