"""The numbers of `retarget_hand`, in one place."""

from dataclasses import dataclass, field
from typing import Literal

from understudy.retargeting.grasp import GraspOptions
from understudy.retargeting.solver import SolverOptions

__all__ = ["RetargetConfig"]


@dataclass(frozen=True)
class RetargetConfig:
    """Weights are per squared metre (rows), per squared radian (joints)."""

    fingertip_weights: tuple[float, ...] = (100.0, 100.0, 100.0, 20.0, 20.0)
    """Thumb, index, middle, ring, little."""
    pair_weight: float = 30.0
    """Vectors from the thumb to index and middle finger."""
    wrist_position_weight: float = 3.0
    wrist_rotation_weight: float = 10.0
    """At a lever arm of 0.1 m."""
    joint_weight: float = 1.0
    """Middle joints of the fingers at the human's: the bend of a finger that its tip leaves open."""
    smooth_weight: float = 0.02
    rest_weight: float = 1e-3
    huber_m: float = 0.03
    table_height_m: float | None = 0.0
    """Plane that keypoint sites stay above, in the base frame [m]; None for none."""
    clearance_m: float = 0.008
    """Distance kept from the table: half the thickness of a fingertip [m]."""
    squeeze_m: float = 0.03
    """While something is held, thumb and fingers aim this much closer together than the human's [m]."""
    press_m: float = 0.012
    """What the index finger presses from above is pressed this much further [m]."""
    press_below_m: float = 0.12
    """Dips of the index finger that end higher than this above the table are gestures, not presses [m]."""
    tuck_idle_fingers: bool = True
    """In clips with a grasp, ring and little finger are curled up into the palm: robots' fingers are thicker than a
    human's, and a fingertip beside the object would land on it."""
    ring_takes_little: bool = False
    """On a hand without a little finger, the ring finger aims at the middle of the human's two."""
    approach_cone_deg: float = 30.0
    """Largest angle between the gripper's approach and straight down [deg]."""
    open_margin_m: float = 0.02
    """The open gripper is this much wider than the human's aperture [m]."""
    bridge_gaps_s: float = 0.0
    """Gaps up to this long are filled by interpolating the human's keypoints; 0 leaves every gap a gap [s]."""
    dwell_s: float = 0.0
    """Extra time at every closing and opening of the hand [s]."""
    max_slowdown: float = 4.0
    """Motion up to this many times too fast is slowed down; beyond it a frame is `TOO_FAST`."""
    mode: Literal["auto", "pinch", "poke"] = "auto"
    """Gripper: `auto` decides from the clip; `pinch` or `poke` fix it."""
    grasp: GraspOptions = field(default_factory=GraspOptions)
    solver: SolverOptions = field(default_factory=SolverOptions)
