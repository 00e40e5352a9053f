"""`understudy show`: look at a body or a task."""

from pathlib import Path
from typing import Literal

import tyro

__all__ = ["run"]


def run(
    name: tyro.conf.Positional[str],
    out: Path | None = None,
    interactive: bool = False,
    view: Literal["still", "turntable", "joints"] = "still",
    seed: int = 0,
    robot: str = "xarm7_xhand",
) -> None:
    """Render a robot, the human hand, or the table of a task to a PNG; or open MuJoCo's viewer on a body.

    Examples:
      understudy show xarm7_xhand
      understudy show human_hand --interactive
      understudy show xarm7_allegro --view joints --out joints.png
      understudy show push --seed 7 --robot xarm7_gripper

    Args:
        name: A robot, `human_hand`, or a task; `understudy list` names all.
        out: Picture to write; `NAME.png` by default.
        interactive: Open a window to turn the body and move its joints (needs a display).
        view: `still`: one picture; `turntable`: the body from all sides; `joints`: every joint through its range.
        seed: Layout of the table, where NAME is a task.
        robot: Who stands at the table, where NAME is a task.
    """
    from PIL import Image

    from understudy.commands.pictures import body_picture, task_picture
    from understudy.embodiments import EMBODIMENTS
    from understudy.embodiments.show import show_interactive
    from understudy.errors import UnknownName
    from understudy.simulation.tasks import TASKS

    if name not in EMBODIMENTS and name not in TASKS:
        raise UnknownName("body or task", name, [*EMBODIMENTS, *TASKS])
    if interactive and name in EMBODIMENTS:
        show_interactive(name)
        return
    image = task_picture(name, seed, robot) if name in TASKS else body_picture(name, view)
    path = out or Path(f"{name}.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    print(f"see {path}")
