"""`understudy represent`: what a trained stage 1 knows of layouts that it never saw."""

from pathlib import Path

__all__ = ["run"]


def run(
    model: Path,
    data: tuple[Path, ...],
    out: Path = Path("runs/represent"),
    robot: str = "xarm7_xhand",
    split: str = "validation",
    layers: tuple[str, ...] = ("mid",),
    pairs: int = 40,
    steps: int = 10,
    judge_data: tuple[Path, ...] = (),
    judge_steps: int = 600,
) -> None:
    """Look into stage 1 of video_prompt: a map of z, linear probes, and vector arithmetic (Fig. 5 of the paper).

    z is what stage 1 makes of a person's clip and a robot's scene. Three questions, on layouts that it never saw:

    1. Does z cluster by skill, by who is shown, by time? t-SNE, in tsne.png and on the page.
    2. Can skill, object and places be read off z by a linear map? Half of the layouts train it, the other half test it;
       beside chance and the same probes on the autoencoder's latents of the prompt.
    3. Is robot(A) - person(A) + person(B) the robot doing B? The sum is put in place of what crosses a layer of the
       video model while a video is sampled; a small judge, trained on true videos of other layouts, says what is seen.

    Layers: prompt_tokens, mid, and up-blocks (up_0 and up_1 of the small model, up_blocks.0 ... of Stable Video
    Diffusion). Writes represent.json and .md (a result file), represent.html, tsne.png and a sheet of videos a layer.

    Examples:
      understudy record --split validation --task pick_place,push --episodes 99 --no-track --no-points --out data/unseen
      understudy represent --model runs/video_prompt_stage1_tiny/policy --data data/unseen
      understudy represent --model runs/video_prompt_stage1_tiny/policy --data data/unseen --layers mid up_0 up_1
      understudy represent --model runs/video_prompt_stage1_tiny/policy --data data/unseen --judge-data data/tabletop

    Args:
        model: What stage 1 exported: the policy/ folder of its run.
        data: Recordings of a person and the robot, 20 layouts of two skills or more.
        out: Folder of the result file, the page and the pictures.
        robot: Which robot's data set of the recordings is used.
        split: Split of the layouts: validation, or test for a table after all choices.
        layers: Where in the video model the sum is put; several are compared.
        pairs: How many pairs (A, B) of different skills; 30 or more for a table.
        steps: Passes of the video model for every video.
        judge_data: Recordings whose true videos train the judge; half of --data by default.
        judge_steps: Training steps of the judge.
    """
    from importlib.util import find_spec

    from understudy.commands.learned import require_learn_extra
    from understudy.errors import UnderstudyError

    require_learn_extra()
    if find_spec("sklearn") is None:
        raise UnderstudyError('scikit-learn not installed: pip install "understudy[learn]"')
    from understudy.evaluation.represent import RepresentOptions, represent

    options = RepresentOptions(model, data, out, robot, split, layers, pairs, steps, judge_data, judge_steps)
    for cell in represent(options).cells:
        count = f"  ({cell.k}/{cell.n})" if cell.k is not None else ""
        print(f"{cell.row:28} {cell.metric:24} {cell.value:.3g}{count}")
    print(f"see {out / 'represent.html'} and {out / 'represent.json'}")
