"""Suite `watch`: how far replay of a hand goes, from its true keypoints (`oracle`) and from tracked ones (`kinematic`).

Both rows are the same policy in the same layouts from the same initial states; what differs is where the hand comes
from. The `oracle` row measures retargeting and control, the distance to the `kinematic` row is perception.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITE"]

SUITE = Suite(
    name="watch",
    rows=("oracle", "kinematic"),
    methods=(),
    robots=("xarm7_gripper", "xarm7_xhand"),
    tasks=("pick_place", "push", "press_button"),
    prompts=("right",),
    episodes=100,
    over_all_tasks=False,
)
