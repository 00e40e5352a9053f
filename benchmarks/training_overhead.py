# ruff: noqa: E402 - the number of threads must be set before numpy is imported
"""What the training loop costs beside a bare PyTorch loop on the same model, data and loss; one core, one process.

The bare loop is what one writes first: DataLoader with shuffling, loss, backward, clipping, AdamW. Ours adds seeds for
every sample and step, averages of the weights, mixed precision where asked, logging of each step, the clock, signals.
Both are run in turns; a step lasts from one call of the loss to the next, in time of the processor, so that other
processes do not count; the median of all steps counts.

    python benchmarks/training_overhead.py --out results/throughput.json
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from understudy.evaluation.result_file import make_report, merge_cells
from understudy.methods.experiment import Experiment
from understudy.records import EvalCell
from understudy.training import train

ROW = "training_loop"
NUM_SAMPLES, SIZE, BATCH = 512, 256, 64
WIDTH, DEPTH = 512, 6
STEPS, TURNS, WARM = 60, 4, 10
"""Steps of a run; runs of each loop; steps at the head of a run that do not count."""

calls: list[float] = []
"""Time of the processor at every call of the loss."""


class RandomVectors(Dataset):
    """Random inputs and outputs, for both loops."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.inputs, self.outputs = rng.normal(size=(2, NUM_SAMPLES, SIZE)).astype(np.float32)

    def __len__(self):
        return NUM_SAMPLES

    def sample(self, index, rng):
        """The sample at `index`."""
        return {"x": self.inputs[index], "y": self.outputs[index]}

    def __getitem__(self, index):
        """A sample for the bare loop."""
        return self.sample(index, None)


@dataclass(frozen=True)
class Perceptron(Experiment):
    """A few layers, whose step lasts about as long as that of a small policy."""

    def make_data(self):
        """The vectors."""
        return RandomVectors()

    def make_model(self, data):
        """Linear layers with GELU between them."""
        sizes = [SIZE, *[WIDTH] * DEPTH, SIZE]
        layers = [part for i in range(DEPTH + 1) for part in (nn.Linear(sizes[i], sizes[i + 1]), nn.GELU())]
        return nn.Sequential(*layers[:-1])

    def loss(self, model, batch, generator):
        """Mean squared error; notes the time."""
        calls.append(time.process_time())
        return (model(batch["x"]) - batch["y"]).square().mean(), {}

    def export(self, model, data, folder):
        """Nothing: no policy is wanted."""


def bare_loop(experiment: Perceptron) -> None:
    """The loop as one writes it first."""
    data = experiment.make_data()
    model = experiment.make_model(data)
    loader = DataLoader(data, experiment.batch_size, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(model.parameters(), experiment.learning_rate, experiment.betas, fused=True)
    step = 0
    while step < experiment.num_steps:
        for batch in loader:
            if step == experiment.num_steps:
                break
            loss, _ = experiment.loss(model, batch, None)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), experiment.clip_norm)
            optimizer.step()
            step += 1


def steps_s() -> list[float]:
    """Durations of the steps noted since the last call [s], without the first ones."""
    durations = np.diff(calls)[WARM:].tolist()
    calls.clear()
    return durations


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="result file to write to")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    torch.set_num_threads(1)
    experiment = Perceptron("perceptron", "debug", Path(), batch_size=BATCH, num_steps=STEPS)
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(TURNS):
            bare_loop(experiment)
            bare += steps_s()
            train(experiment, Path(folder) / str(turn), threads=1)
            ours += steps_s()
    medians_ms = [1e3 * float(np.median(durations)) for durations in (ours, bare)]
    values = {
        "training_step_ms": round(medians_ms[0], 3),
        "bare_step_ms": round(medians_ms[1], 3),
        "training_step_ratio": round(medians_ms[0] / medians_ms[1], 4),
    }
    for metric, value in values.items():
        print(f"{metric:20s} {value}")
    if arguments.out:
        command = f"python benchmarks/training_overhead.py --out {arguments.out}"
        minutes = (time.perf_counter() - begin) / 60
        cells = [EvalCell(ROW, metric, value) for metric, value in values.items()]
        merge_cells(arguments.out, make_report("throughput", command, minutes, cells))


if __name__ == "__main__":
    main()
