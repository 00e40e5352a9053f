"""`understudy demo`: the whole idea on one page."""

from pathlib import Path

__all__ = ["run"]


def run(out: Path = Path("demo"), first_seed: int | None = None) -> None:
    """A person does three tasks in layouts that nobody has looked at; a robot watches and does them in physics.

    Writes a page that opens from disk, without a network: prompt, tracking, robot, success and score of each.

    Examples:
      understudy demo
      understudy demo --out /tmp/demo

    Args:
        out: Folder for the page and its videos.
        first_seed: Layout of the first task, to repeat a demo; drawn anew from the test range by default.
    """
    from understudy.evaluation.demo import make_demo

    print(f"open {make_demo(out, first_seed)}")
