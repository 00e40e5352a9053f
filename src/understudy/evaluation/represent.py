"""What a trained stage 1 of video_prompt knows: a map of z, probes, vector arithmetic; one result file and one page."""

import shlex
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from understudy.episodes.shown_layouts import ShownLayouts, halves
from understudy.errors import UnderstudyError, UnknownName
from understudy.evaluation.analogies import (
    Analogy,
    analogies,
    judge_cells,
    make_videos,
    nearest_cells,
    teach_judge,
)
from understudy.evaluation.analogy_sheet import write_sheet
from understudy.evaluation.embedding_maps import episode_maps, time_maps
from understudy.evaluation.represent_page import write_represent_page
from understudy.evaluation.representation_probes import MIN_LAYOUTS, probe_cells
from understudy.evaluation.result_file import make_report, write_report
from understudy.evaluation.scatter import write_scatters
from understudy.methods.video_prompt.embedding import embed
from understudy.methods.video_prompt.network_folder import read_representation, shipped_or_own
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.video_diffusion.arithmetic import layers_of
from understudy.records import EvalCell, EvalReport

__all__ = ["RepresentOptions", "represent"]

_SPLITS = ("validation", "test")


@dataclass(frozen=True)
class RepresentOptions:
    """What `understudy represent` was asked for."""

    model: Path
    data: Sequence[Path]
    out: Path
    robot: str = "xarm7_xhand"
    split: str = "validation"
    layers: Sequence[str] = ("mid",)
    pairs: int = 40
    steps: int = 10
    judge_data: Sequence[Path] = ()
    judge_steps: int = 600

    def command(self) -> str:
        """The command line that asks for it; what is as usual is left out."""
        words = ["understudy", "represent", "--model", str(self.model), "--data", *map(str, self.data)]
        words += ["--out", str(self.out), "--robot", self.robot, "--split", self.split]
        words += ["--layers", *self.layers, "--pairs", str(self.pairs), "--steps", str(self.steps)]
        words += ["--judge-data", *map(str, self.judge_data)] if self.judge_data else []
        return shlex.join([*words, "--judge-steps", str(self.judge_steps)])


def represent(options: RepresentOptions) -> EvalReport:
    """Measure, draw and write; returns the report that was written to `out/represent.json`.

    Raises:
        UnderstudyError: no stage 1, or layouts that do not do: too few, one skill only, of another split.
    """
    started = time.monotonic()
    representation = _representation(options)
    size, length = representation.model.image_size, representation.config.num_frames
    shown = ShownLayouts(options.data, options.robot, options.split, size, length)
    _check(shown)
    held = ~halves(shown.layouts)
    pairs = analogies(shown.layouts, held, options.pairs)
    teachers = _teachers(options, shown, held, size, length)
    embedding = embed(representation, shown, ~held)
    cells = list(probe_cells(embedding, shown.layouts, ~held, options.robot))
    cells += nearest_cells(embedding, pairs, held, options.robot)
    scatters = [*episode_maps(embedding, shown.layouts), *time_maps(embedding, shown.layouts)]
    write_scatters(scatters, 3, options.out / "tsne.png")
    made_cells, sheets = _arithmetic(options, representation, shown, held, pairs, teachers)
    report = make_report("represent", options.command(), (time.monotonic() - started) / 60, [*cells, *made_cells])
    write_represent_page(report, scatters, sheets, shown, options.out / "represent.html")
    write_report(report, options.out / "represent.json")
    return report


def _representation(options: RepresentOptions) -> Representation:
    if options.split not in _SPLITS:
        raise UnknownName("split", options.split, _SPLITS)
    if min(options.pairs, options.steps, options.judge_steps) < 1:
        raise UnderstudyError("--pairs, --steps and --judge-steps: must be at least 1")
    found = shipped_or_own(options.model)
    if not (found / "network.json").is_file():
        raise UnderstudyError(
            f"{options.model}: no stage 1 there: give the policy/ folder of a run of video_prompt_stage1_tiny, "
            "which holds network.json"
        )
    representation = read_representation(found)
    known = layers_of(representation.model)
    for layer in options.layers:
        if layer not in known:
            raise UnknownName("layer", layer, known)
    if twice := [layer for layer, count in Counter(options.layers).items() if count > 1]:
        raise UnderstudyError(f"--layers: {', '.join(twice)} more than once: name each layer once")
    return representation


def _check(shown: ShownLayouts) -> None:
    if len(shown) < MIN_LAYOUTS:
        raise UnderstudyError(
            f"{len(shown)} layouts in which both succeeded: at least {MIN_LAYOUTS} are needed, "
            "half to learn probes from and half to test them: record more"
        )
    if len(shown.skills) < 2:
        raise UnderstudyError(f"all {len(shown)} layouts show {shown.skills[0]}: record at least two skills")


def _teachers(
    options: RepresentOptions, shown: ShownLayouts, held: Bool[np.ndarray, " N"], size: int, length: int
) -> tuple[ShownLayouts, list[int]]:
    """The layouts that the judge learns from: none that it is asked about."""
    if not options.judge_data:
        return shown, np.flatnonzero(~held).tolist()
    others = ShownLayouts(options.judge_data, options.robot, "", size, length)
    asked = {layout.seed for layout, is_held in zip(shown.layouts, held, strict=True) if is_held}
    rows = [row for row, layout in enumerate(others.layouts) if layout.skill in shown.skills]
    if shared := [layout.seed for layout in others.layouts if layout.seed in asked]:
        raise UnderstudyError(f"--judge-data: layout {shared[0]} is also what the judge is asked about: give others")
    if missing := sorted(set(shown.skills) - {others.layouts[row].skill for row in rows}):
        raise UnderstudyError(f"--judge-data: no layout shows {', '.join(missing)}, which the judge must know")
    return others, rows


def _arithmetic(
    options: RepresentOptions,
    representation: Representation,
    shown: ShownLayouts,
    held: Bool[np.ndarray, " N"],
    pairs: Sequence[Analogy],
    teachers: tuple[ShownLayouts, list[int]],
) -> tuple[list[EvalCell], dict[str, Path]]:
    """Cells, and a sheet for every layer."""
    model, skills = representation.model, shown.skills
    judge = teach_judge(*teachers, skills, model, options.judge_steps)
    made = make_videos(model, shown, pairs, options.layers, options.steps)
    sheets = {}
    for row in made.layers:
        sheets[row] = options.out / f"{row}.png"
        write_sheet(sheets[row], made.videos[row], shown, pairs)
    return list(judge_cells(judge, made, shown, pairs, skills, held)), sheets
