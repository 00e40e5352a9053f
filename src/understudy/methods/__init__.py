"""Everything that turns a prompt and images into actions: one folder per method, one interface for all."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from understudy.errors import UnderstudyError, UnknownName
from understudy.methods.policy import Policy, Prompt

__all__ = ["LEARNED", "POLICIES", "PRETRAINED", "Policy", "Prompt", "make_policy", "policy_names"]


def _kinematic(robot: str) -> Policy:
    """Open-loop replay of the hand that is tracked in the prompt; learns nothing."""
    from understudy.methods.kinematic.policy import KinematicPolicy  # SciPy and MuJoCo: not for lists and training

    return KinematicPolicy(robot)


POLICIES: dict[str, Callable[[str], Policy]] = {"kinematic": _kinematic}
"""Name -> what makes the policy for a robot, for those that learn nothing."""
LEARNED = {
    "dp_language": "understudy.methods.dp_language.policy",
    "video_decoder": "understudy.methods.video_decoder.policy",
    "video_prompt": "understudy.methods.video_prompt.policy",
}
"""Method -> module whose `load(folder, robot, seed)` makes a policy from a policy folder."""
PRETRAINED = Path(__file__).parents[1] / "pretrained"
"""Policy folders that come with the package."""


def policy_names() -> list[str]:
    """What `make_policy` takes beside a folder of your own."""
    return [*POLICIES, *sorted(path.parent.name for path in PRETRAINED.glob("*/policy.json"))]


def make_policy(name: str, robot: str, seed: int = 0) -> Policy:
    """The policy of that name, or from that folder, for that robot.

    Args:
        name: one of `policy_names()`, or a policy folder as `understudy train` writes it.
        robot: it must be the robot that a learned policy was trained for.
        seed: of the noise that a learned policy samples from.

    Raises:
        UnknownName: neither a name nor a folder with a policy; lists the valid names.
        UnderstudyError: a folder that is not whole, or of another robot.
    """
    if name in POLICIES:
        return POLICIES[name](robot)
    folder = Path(name) if (Path(name) / "policy.json").is_file() else PRETRAINED / name
    description = folder / "policy.json"
    if not description.is_file():
        raise UnknownName("policy", name, policy_names())
    try:
        method = json.loads(description.read_text(encoding="utf-8"))["method"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnderstudyError(f"{description}: not a policy: needs JSON with a `method`") from error
    if method not in LEARNED:
        raise UnknownName("method", str(method), LEARNED)
    policy: Policy = import_module(LEARNED[method]).load(folder, robot, seed)
    return policy
