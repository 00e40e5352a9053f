import numpy as np
import pytest

from understudy.errors import UnderstudyError
from understudy.simulation.episode import record_expert
from understudy.simulation.experts import EXPERTS, scripted_expert
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import TASKS

SEED = 1_000_123
IMAGE = 32


@pytest.mark.parametrize("robot", ["xarm7_gripper", "xarm7_xhand"])
@pytest.mark.parametrize("task", TASKS)
def test_an_expert_does_its_task(robot, task):
    episode = record_expert(task, SEED, robot, IMAGE)
    assert episode.success, episode.failure
    assert episode.score == 100
    length = len(episode.actions)
    assert len(episode.joints) == len(episode.images) == length
    assert 20 < length <= 10 * TASKS[task].time_limit_s
    assert np.isfinite(episode.actions).all()
    assert np.abs(episode.images[0].astype(int) - episode.images[-1]).max() > 50


def test_every_task_has_an_expert_and_other_robots_are_named():
    assert EXPERTS.keys() == TASKS.keys()
    table = Tabletop("push", 0, "xarm7_allegro")
    table.reset()
    with pytest.raises(UnderstudyError, match=r"robot with scripted experts 'xarm7_allegro'.*xarm7_xhand"):
        next(scripted_expert(table))
