"""One episode of a scripted expert, with everything that was seen and done."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from understudy.simulation.experts import scripted_expert
from understudy.simulation.tabletop import Tabletop

__all__ = ["RobotEpisode", "record_expert"]


@dataclass(frozen=True)
class RobotEpisode:
    """T control steps of one robot at 10 Hz; row t of `joints` and `images` is what was there before action t."""

    task: str
    seed: int
    robot: str
    label: str
    images: UInt8[np.ndarray, "T S S 3"]
    joints: Float[np.ndarray, "T J"]
    """In the order of the body's `joint_names` [rad | m]."""
    actions: Float[np.ndarray, "T A"]
    success: bool
    score: float
    failure: str
    """Empty on success."""


def record_expert(task: str, seed: int, robot: str, size: int = 96) -> RobotEpisode:
    """Let the scripted expert do `task` in the layout of `seed`, filmed at `size` pixels."""
    table = Tabletop(task, seed, robot, image_size=size)
    images, joints, actions = [], [], []
    try:
        observation = table.reset()
        for action in scripted_expert(table):
            images.append(observation.image)
            joints.append(table.joints())
            actions.append(action)
            observation = table.step(action)
            if table.lost() or len(actions) == table.max_steps:
                break
        result = table.success(), table.score(), table.failure()
        label = table.label
    finally:
        table.close()
    return RobotEpisode(task, seed, robot, label, np.stack(images), np.stack(joints), np.stack(actions), *result)
