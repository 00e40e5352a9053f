import numpy as np
import pytest

from understudy.errors import UnderstudyError
from understudy.simulation.episode import record_expert
from understudy.simulation.experts import EXPERTS, scripted_expert
from understudy.simulation.state import LIFTED_M
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import TASKS

SEED = 1_000_123
IMAGE = 32


PAIRS = [(name, robot) for name, task in TASKS.items() for robot in task.embodiments if robot != "human_hand"]


@pytest.mark.parametrize(("task", "robot"), PAIRS)
def test_an_expert_does_its_task(task, robot):
    episode = record_expert(task, SEED, robot, IMAGE)
    assert episode.success, episode.failure
    assert episode.score == 100
    length = len(episode.actions)
    assert len(episode.joints) == len(episode.images) == length
    assert 20 < length <= 10 * TASKS[task].time_limit_s
    assert np.isfinite(episode.actions).all()
    assert np.abs(episode.images[0].astype(int) - episode.images[-1]).max() > 50


def test_hold_succeeds_after_two_seconds_in_the_air_and_not_before():
    table = Tabletop("hold", SEED, "xarm7_xhand")
    table.reset()
    name = table.goal.target
    start_z, in_air = table.state.objects[name].position[2], 0
    for action in scripted_expert(table):
        table.step(action, observe=False)
        thing = table.state.objects[name]
        in_air = in_air + 1 if thing.touched and thing.position[2] > start_z + LIFTED_M else 0
        # The first step in the air starts the clock.
        assert table.success() == (in_air >= 21)
        if table.success():
            break
    assert in_air == 21
    table.step(table.robot_state() + np.array([*np.zeros(7), *np.full(12, -1.0)]), observe=False)
    for _ in range(10):
        table.step(None, observe=False)
    assert not table.success()
    assert table.failure() == "dropped"
    table.close()


def test_every_task_has_an_expert_and_other_robots_are_named():
    assert EXPERTS.keys() == TASKS.keys()
    table = Tabletop("push", 0, "xarm7_allegro")
    table.reset()
    with pytest.raises(UnderstudyError, match=r"robot with scripted experts 'xarm7_allegro'.*xarm7_xhand"):
        next(scripted_expert(table))
