"""Prompts that show something else than what is asked: another thing that the same table allows, or a moved table."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from understudy.errors import UnderstudyError
from understudy.simulation.layout import Item, Layout
from understudy.simulation.seeds import SEEDS, split_of
from understudy.simulation.tasks import TASKS, Goal, get_task

__all__ = ["moved_layout", "same_goal", "wrong_prompt"]

_STREAM_WRONG = 6
_STREAM_MOVED = 7


def wrong_prompt(
    task: str, layout: Layout, goal: Goal, seed: int, tasks: Collection[str] = tuple(TASKS)
) -> tuple[str, Goal]:
    """Something else that is possible in this layout: doing it does not fulfil `goal`, nor its label.

    Where all choices have that label, as two buttons do, it is one of them that is not `goal`: a minimal pair, which
    words cannot tell apart. The same object may be asked for by another task. First the task is drawn, then its goal,
    so that tasks with few goals come as often as others.

    Args:
        task: what the episode is labelled with: a name of `tasks.TASKS`.
        layout: what stands where.
        goal: the episode's goal.
        seed: of the choice; any number from 0.
        tasks: what may be prompted, say the tasks that a policy knows.
    """
    choices = {name: _others(task, name, layout, goal) for name in TASKS if name in tasks}
    if task in tasks and not any(choices.values()):
        choices = {task: tuple(other for other in get_task(task).goals(layout) if other != goal)}
    possible = [name for name, goals in choices.items() if goals]
    if not possible:
        raise UnderstudyError(
            f"{task}: no wrong prompt for {goal.label!r} in the layout of seed {layout.seed} among {', '.join(tasks)}"
        )
    rng = np.random.default_rng([seed, _STREAM_WRONG])
    name = possible[rng.integers(len(possible))]
    return name, choices[name][rng.integers(len(choices[name]))]


def _others(task: str, name: str, layout: Layout, goal: Goal) -> tuple[Goal, ...]:
    """Goals of the task `name` that are neither `goal`, nor mean the same words, nor fulfil it on their way."""
    on_the_way = name in get_task(task).done_on_the_way_of
    return tuple(
        other
        for other in get_task(name).goals(layout)
        if other.label != goal.label and not (on_the_way and other.target == goal.target)
    )


def moved_layout(layout: Layout, seed: int) -> Layout:
    """The same things (names, kinds, colours) at other places, which the layout's own generator drew.

    Looks stay those of `layout.seed`. Objects change their order in the row, too.

    Args:
        layout: what stands where.
        seed: of the new places; any number from 0.
    """
    made = ((task, task.sample_layout(layout.seed, layout.axis)) for task in TASKS.values())
    maker = next((task for task, own in made if own.items.keys() == layout.items.keys()), None)
    if maker is None:
        raise UnderstudyError(f"the layout of seed {layout.seed} belongs to no task: {', '.join(TASKS)}")
    rng = np.random.default_rng([seed, _STREAM_MOVED])
    seeds = SEEDS[split_of(layout.seed)]
    fresh = maker.sample_layout(int(rng.integers(seeds.start, seeds.stop)), layout.axis)
    return replace(
        layout,
        objects=_at_places(layout.objects, fresh.objects, rng),
        plates=_at_places(layout.plates, fresh.plates, rng),
        buttons=_at_places(layout.buttons, fresh.buttons, rng),
        lines=_at_places(layout.lines, fresh.lines, rng),
    )


def _at_places(items: tuple[Item, ...], places: tuple[Item, ...], rng: np.random.Generator) -> tuple[Item, ...]:
    """The same items in another order, from the right to the left, where others stood; balls where balls lay."""
    left, moved = [items[i] for i in rng.permutation(len(items))], []
    for place in places:
        item = next(item for item in left if (item.kind == "ball") == (place.kind == "ball"))
        left.remove(item)
        moved.append(replace(item, xy=place.xy, yaw=place.yaw))
    return tuple(moved)


def same_goal(task: str, goal: Goal, layout: Layout) -> Goal:
    """The goal of `task` in another layout of the same things that names the same target and place."""
    for other in get_task(task).goals(layout):
        if (other.target, other.place) == (goal.target, goal.place):
            return other
    raise UnderstudyError(f"{task}: no goal {goal.target} to {goal.place} in the layout of seed {layout.seed}")
