"""Linear probes of several representations on layouts that none of them saw: rows `z` and `z_across` of each.

Half of the layouts train the probes, the other half test them, the same halves for every row; the probes are those of
`understudy represent`. A row ROW is of persons' clips; ROW_across is tested on the robot's own.

    understudy record --split test --task pick_place,push,press_button --episodes 200 --no-track --no-points \
        --human-size 96 --human-frames 20 --out data/stage1_test
    python benchmarks/ablation_probes.py --test data/stage1_test --out results/video_prompt_ablation_probes.json \
        cross_prediction_60=runs/video_prompt_stage1_tiny/policy autoencoder_latents=runs/latents/policy
"""

import argparse
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from understudy.episodes.shown_layouts import ShownLayouts, halves
from understudy.errors import UnderstudyError
from understudy.evaluation.representation_probes import CHANCE, probe_cells
from understudy.evaluation.result_file import make_report, merge_cells, refuse_other_settings
from understudy.methods.video_prompt.embedding import embed
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.records import EvalCell

ROBOT = "xarm7_xhand"


def cells_of(row: str, folder: Path, test: Path, robot: str) -> Iterator[EvalCell]:
    """What can be read off z of one representation, under the name of its row; and chance."""
    representation = read_representation(folder)
    shown = ShownLayouts([test], robot, "", representation.model.image_size, representation.config.num_frames)
    train = halves(shown.layouts)
    names = {"z": row, "z_across": f"{row}_across", CHANCE: CHANCE}
    for cell in probe_cells(embed(representation, shown, train), shown.layouts, train, robot):
        if cell.row in names:
            yield replace(cell, row=names[cell.row])


def main() -> None:
    """Measure, and put the cells into the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", metavar="ROW=FOLDER", help="name, and what its stage 1 exported")
    parser.add_argument("--test", type=Path, required=True, help="recording of layouts that nothing was trained on")
    parser.add_argument("--robot", default=ROBOT)
    parser.add_argument("--out", type=Path, required=True, help="result file; rows that are not measured now are kept")
    options = parser.parse_args()
    words = [*options.rows, "--test", str(options.test), "--robot", options.robot, "--out", str(options.out)]
    command = shlex.join(["python", "benchmarks/ablation_probes.py", *words])
    started = time.monotonic()
    cells: dict[tuple[str, str], EvalCell] = {}
    try:
        refuse_other_settings(options.out, command, {"--test": "", "--robot": ROBOT})
        for word in options.rows:
            row, _, folder = word.partition("=")
            for cell in cells_of(row, Path(folder), options.test, options.robot):
                cells[cell.row, cell.metric] = cell
        report = make_report(options.out.stem, command, (time.monotonic() - started) / 60, cells.values())
        merge_cells(options.out, report)
    except UnderstudyError as error:
        sys.exit(str(error))
    for cell in cells.values():
        print(f"{cell.row:24} {cell.metric:22} {cell.value:.4g}")


if __name__ == "__main__":
    main()
