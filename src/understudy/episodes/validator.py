"""Does a data set keep to LeRobot v3, and do its files agree with each other? One line for each thing that does not.

What is looked at: `meta/info.json`, the tasks, the episodes table, `meta/stats.json` (`metadata_checks`); every value
of every data file against the table and the statistics (`data_checks`); every frame of every video (`video_checks`).
Nothing is ever written.
"""

from collections.abc import Sequence
from pathlib import Path

from understudy.episodes import layout
from understudy.episodes.data_checks import check_data
from understudy.episodes.metadata import read_episodes, read_info, read_statistics, read_tasks
from understudy.episodes.metadata_checks import check_episodes, check_info, check_statistics, check_tasks
from understudy.episodes.problem import BadDataSet, Problem
from understudy.episodes.video_checks import check_videos

__all__ = ["find_disagreements", "find_problems"]


def find_problems(root: Path, *, decode: bool = True) -> list[Problem]:
    """Everything about the data set at `root` that readers may stumble over; empty if it is sound.

    Args:
        root: folder of the data set.
        decode: also decode every frame of every video; else only their containers are read.
    """
    try:
        info = read_info(root)
        table = read_episodes(root)
        tasks = read_tasks(root)
    except BadDataSet as error:  # nothing else makes sense without these
        return [error.problem]
    problems = [*check_info(root, info), *check_tasks(root, info, tasks)]
    fatal, found = check_episodes(root, info, table, tasks)
    problems += found
    if fatal:
        return problems
    try:
        stored = read_statistics(root)
    except BadDataSet as error:
        problems.append(error.problem)
        stored = {}
    else:
        problems += check_statistics(root, info, stored)
    problems += check_data(root, info, table, tasks, stored)
    problems += check_videos(root, info, table, stored, decode=decode)
    return problems


def find_disagreements(roots: Sequence[Path], names: Sequence[str] | None = None) -> list[Problem]:
    """What keeps data sets from being used together: frame rate, type, size, or order of the numbers of a feature.

    Args:
        roots: the data sets; the others are compared with the first.
        names: features that are to be used together; those that all have by default, bookkeeping apart.

    Raises:
        BadDataSet: one that cannot be read.
    """
    infos = [read_info(root) for root in roots]
    first = infos[0]
    problems = []
    for root, info in zip(roots[1:], infos[1:], strict=True):
        path = root / layout.INFO_FILE
        if info.fps != first.fps:
            problems.append(Problem(path, "fps", f"is {float(info.fps):g}, {roots[0]} has {float(first.fps):g}"))
        for name in names if names is not None else sorted(set(first.features) & set(info.features)):
            ours, theirs = first.features.get(name), info.features.get(name)
            field = f"features.{name}"
            if ours is None or theirs is None:
                problems.append(Problem(path, field, f"is not in {roots[0] if ours is None else root}"))
            elif (ours.dtype, ours.shape) != (theirs.dtype, theirs.shape):
                message = f"is {theirs.dtype} {list(theirs.shape)}, {roots[0]} has {ours.dtype} {list(ours.shape)}"
                problems.append(Problem(path, field, message))
            elif ours.names != theirs.names:
                problems.append(Problem(path, f"{field}.names", _order(ours.names, theirs.names, roots[0])))
    return problems


def _order(ours: tuple[str, ...] | None, theirs: tuple[str, ...] | None, first: Path) -> str:
    if ours is None or theirs is None:
        return f"are given in only one of the two data sets; the other is {first}"
    place = next(i for i, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b)
    same = "the same in another order" if sorted(ours) == sorted(theirs) else "others"
    return f"are {same}: number {place} is {theirs[place]}, {first} has {ours[place]}"
