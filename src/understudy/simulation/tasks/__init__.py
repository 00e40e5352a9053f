"""The tasks, one file each. A new task is one new file and one line here."""

from understudy.errors import UnknownName
from understudy.simulation.layout import Layout, layout_rng
from understudy.simulation.tasks.flick_ball import FlickBall
from understudy.simulation.tasks.flip_cup import FlipCup
from understudy.simulation.tasks.hold import Hold
from understudy.simulation.tasks.pick_place import PickPlace
from understudy.simulation.tasks.pour import Pour
from understudy.simulation.tasks.press_button import PressButton
from understudy.simulation.tasks.push import Push
from understudy.simulation.tasks.task import Goal, Stage, Task

__all__ = ["TASKS", "Goal", "Stage", "Task", "get_task", "goal_of"]

_ALL: tuple[Task, ...] = (PickPlace(), Push(), PressButton(), Hold(), Pour(), FlipCup(), FlickBall())
TASKS: dict[str, Task] = {task.name: task for task in _ALL}
"""Name -> task."""

_STREAM_GOAL = 3


def get_task(name: str) -> Task:
    """The task of that name; `UnknownName` lists the valid ones."""
    if name not in TASKS:
        raise UnknownName("task", name, TASKS)
    return TASKS[name]


def goal_of(task: Task, layout: Layout) -> Goal:
    """What `task` asks for in this layout: set by the layout's seed."""
    return task.sample_goal(layout, layout_rng(layout.seed, _STREAM_GOAL))
