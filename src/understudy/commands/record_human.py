"""`understudy record-human`: a person does a task, on film, with the truth beside it."""

from pathlib import Path

__all__ = ["run"]


def run(task: str, out: Path, seed: int = 0, size: int = 512, fps: float = 20.0) -> None:
    """Render a person doing a task in the layout of a seed.

    Writes the clip, and beside it what nobody sees in a filmed one: `clip.truth.npz` (the hand, joint by joint) and
    `clip.truth.json` (camera, layout, body, where every object is). Motion, body, speed and looks come from the seed.

    Examples:
      understudy record-human --task push --out clip.mp4
      understudy record-human --task pick_place --seed 7 --size 768 --out clip.mp4
      understudy watch clip.mp4 --camera clip.truth.json

    Args:
        task: A name of `understudy list tasks`; or wander, a hand that moves about without a task.
        out: The clip, ending in .mp4.
        seed: Layout, person and looks; 2000000 and above is the test range, for result tables only.
        size: Width and height of the clip in pixels.
        fps: Frames per second, 5 to 60.
    """
    from understudy.simulation.demonstration_file import save_demonstration
    from understudy.simulation.human import record_human

    demonstration = record_human(task, seed, size=size, fps=fps)
    save_demonstration(demonstration, out)
    print(f'"{demonstration.label}", {demonstration.track.num_frames} frames: see {out}')
