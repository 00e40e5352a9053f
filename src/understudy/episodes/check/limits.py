"""Actions and states outside the robot's limits: other units, another frame, another order of the numbers."""

from collections.abc import Iterator, Sequence

import numpy as np

from understudy.embodiments import get_embodiment
from understudy.episodes.check.finding import Finding
from understudy.episodes.check.known_robot import described_robot
from understudy.episodes.check.subject import Subject

__all__ = ["find_beyond_limits"]

_SLACK = 0.02
"""Share of a number's range by which it may lie outside: sensors and soft stops give a little."""


def find_beyond_limits(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Rows outside the action space, for the robots that this project knows; of others the limits are not known."""
    for subject in subjects:
        for name in subject.numbers:
            robot = described_robot(subject, name)
            if robot is None:
                continue
            space = get_embodiment(robot).action_space
            room = _SLACK * (space.high - space.low)
            for index in subject.episodes:
                rows = subject.column(name, index).astype(float)
                beyond = np.maximum(space.low - room - rows, rows - space.high - room)
                beyond[~subject.valid(name, index)] = 0
                if (beyond > 0).any():
                    frame, place = np.unravel_index(int(np.argmax(beyond / (space.high - space.low))), beyond.shape)
                    message = (
                        f"{space.names[place]} is {rows[frame, place]:.4g} in frame {frame}, {robot} has "
                        f"{space.low[place]:.4g} to {space.high[place]:.4g} ({(beyond > 0).any(axis=1).sum()} frames)"
                    )
                    yield Finding("limits", subject.root, index, name, message)
