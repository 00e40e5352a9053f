"""What the training runs of a recipe took: minutes, steps and the most memory, read from what they wrote themselves.

    python benchmarks/recipe.py autoencoder=runs/autoencoder stage1=runs/stage1 --out results/video_prompt_recipe.json

Folders are those of `understudy train`; each number keeps the commit that its run was made with.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from understudy.evaluation.result_file import make_report, write_report
from understudy.records import EvalCell


def cells_of(row: str, folder: Path) -> Iterator[EvalCell]:
    """Of one finished run."""
    path = folder / "run.json"
    if not path.is_file():
        sys.exit(f"{path}: no such file: give folders that `understudy train` wrote")
    run = json.loads(path.read_text(encoding="utf-8"))
    for metric, value in (
        ("setup_minutes", run["setup_seconds"] / 60),
        ("minutes", run["seconds"] / 60),
        ("steps", run["steps"]),
        ("samples", run["num_samples"]),
        ("peak_memory_gb", run["peak_memory_mb"] / 1000),
    ):
        yield EvalCell(row, metric, float(round(value, 2)), commit=run["commit"])


def main() -> None:
    """Write the result file; its minutes are those of all runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="ROW=FOLDER", help="name, and folder of a run")
    parser.add_argument("--out", type=Path, required=True, help="result file; replaced")
    options = parser.parse_args()
    rows = [word.partition("=") for word in options.runs]
    cells = [cell for row, _, folder in rows for cell in cells_of(row, Path(folder))]
    command = shlex.join(["python", "benchmarks/recipe.py", *options.runs, "--out", str(options.out)])
    minutes = sum(cell.value for cell in cells if cell.metric.endswith("minutes"))
    write_report(make_report(options.out.stem, command, minutes, cells), options.out)


if __name__ == "__main__":
    main()
