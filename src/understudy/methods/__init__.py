"""Everything that turns a prompt and images into actions: one folder per method, one interface for all."""

from understudy.errors import UnknownName
from understudy.methods.kinematic.policy import KinematicPolicy
from understudy.methods.policy import Policy, Prompt

__all__ = ["POLICIES", "Policy", "Prompt", "make_policy"]

POLICIES = {"kinematic": KinematicPolicy}
"""Name -> class; each is made with the name of the robot."""


def make_policy(name: str, robot: str) -> Policy:
    """The policy of that name for that robot; `UnknownName` lists the valid ones."""
    if name not in POLICIES:
        raise UnknownName("policy", name, POLICIES)
    return POLICIES[name](robot)
