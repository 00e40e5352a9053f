"""How far off the paths are that policies plan: from a person's clip and the robot's first image, nothing moves.

Success asks much of a policy beside reading the prompt; this asks for nothing else. Both clips of a layout are of a
recording: a policy is prompted with the person's, sees the first image of the robot's, and its planned path is held
against what the robot did. By task, the median over layouts (and over the policies of a row, which are its training
seeds) of the distance of the wrist from where it was:

- `plan_lowest_m_p50`: at the robot's lowest way-point, where things are taken, pushed and pressed;
- `plan_path_m_p50`: of the median over the path's way-points.

For skills that robots have shown: who learned from people alone plans people's paths, which lead elsewhere at other
times, and may be right.

    understudy record --split validation --task pick_place,pour,push --axis object_type --first-seed 1000900 \
        --episodes 24 --embodiments human_hand,xarm7_xhand --no-track --no-points --human-size 96 --human-frames 20 \
        --out data/plans
    python benchmarks/plan_errors.py --pairs data/plans --out results/plan_errors.json full=runs/full/policy
"""

import argparse
import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.stats import bootstrap

from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.person_scene import camera_of_episode
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.shown_layouts import ShownLayouts
from understudy.episodes.windows import phases
from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import make_report, merge_cells, refuse_other_settings
from understudy.methods import make_policy
from understudy.methods.video_prompted import VideoPromptedPolicy
from understudy.records import EvalCell, Observation

METRICS = ("plan_lowest_m_p50", "plan_path_m_p50")
IMAGES, PERSON, ROBOT = "observation.images.front", "human_hand", "xarm7_xhand"


class Pairs:
    """What a person and the robot did in the same layouts."""

    def __init__(self, root: Path, robot: str) -> None:
        self.layouts = ShownLayouts([root], robot, "", 32, 2).layouts
        self.person, self.robot = (EpisodeReader(root / name) for name in (PERSON, robot))
        self._caches: dict[tuple[str, int], FrameCache] = {}

    def frames(self, reader: EpisodeReader, index: int, size: int) -> np.ndarray:
        """(T, S, S, 3)."""
        key = reader.root.name, size
        if key not in self._caches:
            self._caches[key] = FrameCache(reader, IMAGES, size)
        return np.asarray(self._caches[key].episode(index))


def errors_of(folder: Path, pairs: Pairs, robot: str) -> Iterator[tuple[str, float, float]]:
    """Of each layout: task, error at the lowest way-point, median error of the path [m]."""
    policy = make_policy(str(folder), robot)
    if not isinstance(policy, VideoPromptedPolicy):
        raise UnderstudyError(f"{folder}: no video prompts it")
    for layout in pairs.layouts:
        index = layout.index
        prompt = pairs.frames(pairs.person, index, policy.prompt_size)
        policy.reset_to_frames(prompt, pairs.person.fps)
        image = pairs.frames(pairs.robot, index, policy.image_size)[0]
        camera = camera_of_episode(pairs.robot, index, policy.image_size)
        policy.act(Observation(image, camera, 0.0, None))
        path = policy.path()
        if path is None:
            raise UnderstudyError(f"{folder}: it plans no path")
        true = phases(pairs.robot.column("action", index).astype(float), len(path))
        off = np.linalg.norm(path[:, :3] - true[:, :3], axis=1)
        yield layout.skill, float(off[true[:, 2].argmin()]), float(np.median(off))


def cells_of(row: str, folders: list[Path], pairs: Pairs, robot: str) -> Iterator[EvalCell]:
    """The medians of a row, and 95 % intervals of a bootstrap over layouts."""
    found = [list(errors_of(folder, pairs, robot)) for folder in folders]
    tasks = np.array([task for task, *_ in found[0]])
    errors_SN2 = np.array([[errors for _, *errors in every] for every in found])
    for task in sorted(set(tasks)):
        own_SN2 = errors_SN2[:, tasks == task]
        for place, metric in enumerate(METRICS):
            errors_SN = own_SN2[..., place]
            low, high = interval(errors_SN)
            value, count = float(np.median(errors_SN)), errors_SN.size
            yield EvalCell(row, metric, value, column=str(task), robot=robot, n=count, low=low, high=high)


def interval(errors_SN: np.ndarray) -> tuple[float, float]:
    """Of the median over S training seeds and N layouts, by drawing layouts anew: each has all its seeds."""
    layouts = np.arange(errors_SN.shape[1])
    drawn = bootstrap(
        (layouts,),
        lambda some: np.median(errors_SN[:, some]),
        vectorized=False,
        n_resamples=2000,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def main() -> None:
    """Measure, and put the cells into the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", metavar="ROW=FOLDER", help="name and policy; again for more training seeds")
    parser.add_argument("--pairs", type=Path, required=True, help="recording of a person and the robot")
    parser.add_argument("--robot", default=ROBOT)
    parser.add_argument("--out", type=Path, required=True, help="result file; rows that are not measured now are kept")
    options = parser.parse_args()
    words = [*options.rows, "--pairs", str(options.pairs), "--robot", options.robot, "--out", str(options.out)]
    command = shlex.join(["python", "benchmarks/plan_errors.py", *words])
    started = time.monotonic()
    rows: dict[str, list[Path]] = {}
    for word in options.rows:
        row, _, folder = word.partition("=")
        rows.setdefault(row, []).append(Path(folder))
    cells = []
    try:
        refuse_other_settings(options.out, command, {"--pairs": "", "--robot": ROBOT})
        pairs = Pairs(options.pairs, options.robot)
        for row, folders in rows.items():
            for cell in cells_of(row, folders, pairs, options.robot):
                spread = f"{cell.value:.4f} ({cell.low:.4f} to {cell.high:.4f})"
                print(f"{cell.row:24} {cell.column or '':16} {cell.metric:20} {spread}", flush=True)
                cells.append(cell)
        report = make_report(options.out.stem, command, (time.monotonic() - started) / 60, cells)
        merge_cells(options.out, report)
    except UnderstudyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
