"""Linear probes of several representations on layouts that none of them saw: which skill, and where it is touched.

Half of the layouts train the probes, the other half test them, the same halves for every row.

    understudy record --split test --task pick_place,push,press_button --episodes 200 --no-track --no-points \
        --human-size 96 --human-frames 20 --out data/stage1_test
    python benchmarks/ablation_probes.py --test data/stage1_test --out results/video_prompt_ablation_probes.json \
        cross_prediction_60=runs/video_prompt_stage1_tiny/policy autoencoder_latents=runs/latents/policy
"""

import argparse
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import torch

from understudy.episodes.frame_cache import FrameCache
from understudy.episodes.reader import EpisodeReader
from understudy.episodes.windows import even_frames
from understudy.evaluation.probes import probe_class, probe_place
from understudy.evaluation.result_file import make_report, merge_cells, rate_cell
from understudy.methods.video_prompt.network_folder import read_representation
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.image_encoder import to_float
from understudy.records import EvalCell

IMAGES, PERSON = "observation.images.front", "human_hand"


def facts(reader: EpisodeReader, index: int) -> tuple[str, np.ndarray]:
    """The skill, and where the thing stands that is touched [m]."""
    said = reader.episode(index).metadata
    things = [*said["layout"]["objects"], *said["layout"]["buttons"]]
    return said["task"], np.array({thing["name"]: thing["xy"] for thing in things}[said["goal"]["target"]])


@torch.inference_mode()
def z_of(representation: Representation, root: Path, robot: str) -> np.ndarray:
    """(N, Z): of the person's clip and the robot's first image in every layout."""
    size, length = representation.model.image_size, representation.config.num_frames
    person, acting = (FrameCache(EpisodeReader(root / name), IMAGES, size) for name in (PERSON, robot))
    found = []
    for index in range(EpisodeReader(root / robot).num_episodes):
        clip = person.episode(index)
        prompt = to_float(torch.from_numpy(clip[even_frames(len(clip), length)])[None])
        found.append(representation(prompt, to_float(torch.from_numpy(acting.episode(index)[:1])))[0].numpy())
    return np.stack(found).astype(float)


def main() -> None:
    """Measure, and put the cells into the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", metavar="ROW=FOLDER", help="name, and what its stage 1 exported")
    parser.add_argument("--test", type=Path, required=True, help="recording of layouts that nothing was trained on")
    parser.add_argument("--robot", default="xarm7_xhand")
    parser.add_argument("--out", type=Path, required=True, help="result file; rows that are not measured now are kept")
    options = parser.parse_args()
    started = time.monotonic()
    reader = EpisodeReader(options.test / options.robot)
    skills, places = zip(*(facts(reader, index) for index in range(reader.num_episodes)), strict=True)
    order = np.random.default_rng(0).permutation(len(skills))
    train, test = np.split(order, [len(order) // 2])
    kinds, where = np.array(skills), np.stack(places)
    cells = []
    for word in options.rows:
        row, _, folder = word.partition("=")
        z = z_of(read_representation(Path(folder)), options.test, options.robot)
        right, of = probe_class((z[train], kinds[train]), (z[test], kinds[test]))
        cells.append(rate_cell(row, right, of, metric="probe_skill_accuracy", robot=options.robot))
        errors = probe_place((z[train], where[train]), (z[test], where[test]))
        cells.append(EvalCell(row, "probe_contact_m_p50", float(np.median(errors)), robot=options.robot, n=of))
    command = shlex.join(["python", "benchmarks/ablation_probes.py", *sys.argv[1:]])
    merge_cells(options.out, make_report(options.out.stem, command, (time.monotonic() - started) / 60, cells))
    for cell in cells:
        print(f"{cell.row:24} {cell.metric:22} {cell.value:.4g}")


if __name__ == "__main__":
    main()
