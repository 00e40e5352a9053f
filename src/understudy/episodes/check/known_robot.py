"""Which features hold actions of a robot whose limits are known."""

from understudy.embodiments import ROBOTS, get_embodiment
from understudy.episodes.check.subject import Subject

__all__ = ["described_robot"]

_OWN = ("action", "observation.state", "truth.executed")
_RETARGETED = "tracked.action."


def described_robot(subject: Subject, name: str) -> str | None:
    """The robot in whose action space the rows of a feature are: by the data set's or the feature's name, and the
    names of its numbers; None if there is none.
    """
    robot = subject.reader.robot_type if name in _OWN else name.removeprefix(_RETARGETED)
    if robot not in ROBOTS or (name not in _OWN and not name.startswith(_RETARGETED)):
        return None
    return robot if subject.reader.features[name].names == get_embodiment(robot).action_space.names else None
