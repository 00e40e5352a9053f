"""How long a policy of video_prompt takes from an observation to a chunk of actions, on the XHand.

Weights are new ones: they cost as much time as trained ones do. Prompts are blank, so that no video is decoded; nor is
the familiarity of the prompt looked up, which trained policies do at the first chunk.

- `z_ms`: prompt frames and scene to z, once an episode;
- `first_chunk_ms`: the first observation to the first chunk, z and all that hangs on it included, in a scene that the
  policy has not met (it keeps z of those that it has);
- `chunk_ms`: every later observation to its chunk.

Columns: one thread, all threads (as many as there are cores), or the GPU, where the most memory that tensors held is
measured, too. Run it while the machine does nothing else.

    python benchmarks/latency.py --out results/latency.json
    python benchmarks/latency.py --size paper --out results/latency.json
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from understudy.embodiments import get_embodiment
from understudy.episodes.normalisation import Normalisation
from understudy.evaluation.result_file import make_report, merge_cells
from understudy.methods.diffusion_policy import Execution
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt.joint_experiments import JointExperiment
from understudy.methods.video_prompt.network_folder import make_representation
from understudy.methods.video_prompt.policy import VideoPromptPolicy
from understudy.methods.video_prompt.policy_network import make_network
from understudy.methods.video_prompt.representation import Representation
from understudy.networks.device import best_device
from understudy.networks.video_diffusion.small import SmallVideoModel
from understudy.networks.video_diffusion.svd_config import PAPER
from understudy.records import EvalCell, Observation
from understudy.simulation.scene import tabletop_camera

ROBOT = "xarm7_xhand"
DT_S = 0.1


def make_policy(size: str, device: torch.device) -> tuple[VideoPromptPolicy, Representation]:
    """With new weights, both stages of that size."""
    stage1, stage2 = get_experiment(f"video_prompt_stage1_{size}"), get_experiment(f"video_prompt_xhand_{size}")
    with torch.device(device):
        if isinstance(stage2, JointExperiment):
            from understudy.networks.video_diffusion.svd import SvdVideoModel  # imports diffusers

            video_model = SvdVideoModel.build(stage1.new_unet or PAPER, stage1.ids, stage1.clips.image_size)
        else:
            video_model = SmallVideoModel(stage1.model)
        network = make_network(replace(stage2.model, z_size=stage1.pooling.size))
    representation = make_representation(video_model, stage1.pooling)
    torch.nn.init.normal_(representation.basis, std=len(representation.basis) ** -0.5)
    names = get_embodiment(ROBOT).action_space.names
    normalisation = Normalisation("symmetric", names, np.zeros(len(names)), np.ones(len(names)))
    execution = Execution(normalisation, DT_S, stage2.sampling)
    network.eval().requires_grad_(False)
    return VideoPromptPolicy(network, representation, execution, seed=0), representation


def milliseconds(work: Callable[[], object]) -> float:
    """Time of one call, which must end with numbers on the CPU."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def measure(
    policy: VideoPromptPolicy, representation: Representation, episodes: int, chunks: int, rng: np.random.Generator
) -> dict[str, list[float]]:
    """Times in ms; an episode before them warms up. No image of `rng` has been seen before: z would be known."""
    side, frames = representation.model.image_size, representation.config.num_frames
    prompt, scene = torch.rand(1, frames, 3, side, side) * 2 - 1, torch.rand(1, 3, side, side) * 2 - 1
    camera = tabletop_camera(policy.image_size)
    times: dict[str, list[float]] = {"z_ms": [], "first_chunk_ms": [], "chunk_ms": []}
    for episode in range(episodes + 1):
        images = rng.integers(0, 255, (chunks + 1, policy.image_size, policy.image_size, 3), dtype=np.uint8)
        policy.reset(None)
        z = milliseconds(lambda: representation(prompt, scene).cpu())
        first, *rest = [
            milliseconds(lambda seen=image, k=step: policy.act(Observation(seen, camera, k * DT_S, None)))
            for step, image in enumerate(images)
        ]
        if episode:
            times["z_ms"].append(z)
            times["first_chunk_ms"].append(first)
            times["chunk_ms"] += rest
    return times


def cells_of(size: str, column: str, times: dict[str, list[float]]) -> Iterator[EvalCell]:
    """Medians and 99th percentiles."""
    for metric, values in times.items():
        for quantile in (50, 99):
            found = round(float(np.percentile(values, quantile)), 3)
            yield EvalCell(
                f"video_prompt_{size}", f"{metric}_p{quantile}", found, column=column, robot=ROBOT, n=len(values)
            )


def main() -> None:
    """Measure, and put the cells into the result file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="result file; other cells of it are kept")
    parser.add_argument("--size", choices=("tiny", "base", "paper"), default="tiny", help="paper needs a CUDA GPU")
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--chunks", type=int, default=20, help="of each episode, after the first")
    options = parser.parse_args()
    begin, device = time.monotonic(), best_device()
    if options.size == "paper" and device.type != "cuda":
        parser.error("--size paper needs a CUDA GPU")
    if options.size == "tiny":
        device = torch.device("cpu")
    torch.manual_seed(0)
    policy, representation = make_policy(options.size, device)
    rng, sizes = np.random.default_rng(0), (options.episodes, options.chunks)
    cells: list[EvalCell] = []
    if device.type == "cuda":
        cells += cells_of(options.size, "gpu", measure(policy, representation, *sizes, rng))
        memory = torch.cuda.max_memory_allocated(device) / 1e6
        cells.append(EvalCell(f"video_prompt_{options.size}", "memory_mb", round(memory), column="gpu", robot=ROBOT))
    else:
        for column, threads in (("one_thread", 1), ("all_threads", len(os.sched_getaffinity(0)))):
            torch.set_num_threads(threads)
            cells += cells_of(options.size, column, measure(policy, representation, *sizes, rng))
    command = f"python benchmarks/latency.py --size {options.size} --episodes {options.episodes} --out {options.out}"
    merge_cells(options.out, make_report(options.out.stem, command, (time.monotonic() - begin) / 60, cells))
    for cell in cells:
        print(f"{cell.row} {cell.column} {cell.metric}: {cell.value:.4g}")


if __name__ == "__main__":
    main()
