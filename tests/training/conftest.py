"""A small network on generated data: thousands of steps in a second, and every source of chance in use."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_model
from torch import nn

from understudy.errors import UnderstudyError
from understudy.methods.experiment import Experiment

NUM_SAMPLES, NUM_INPUTS, NUM_OUTPUTS = 22, 5, 3


class GeneratedData:
    """y = W x + noise; the noise is drawn anew whenever a sample is."""

    def __init__(self, num_samples, broken_index):
        rng = np.random.default_rng(0)
        self.inputs = rng.normal(size=(num_samples, NUM_INPUTS)).astype(np.float32)
        self.outputs = self.inputs @ rng.normal(size=(NUM_INPUTS, NUM_OUTPUTS)).astype(np.float32)
        self.broken_index = broken_index

    def __len__(self):
        return len(self.inputs)

    def sample(self, index, rng):
        if index == self.broken_index:
            raise UnderstudyError(f"episode {index}: the video cannot be read")
        noise = 0.1 * rng.normal(size=NUM_OUTPUTS).astype(np.float32)
        return {"x": self.inputs[index], "y": self.outputs[index] + noise, "index": np.int64(index)}


@dataclass(frozen=True)
class LinearExperiment(Experiment):
    """Logs `order`, which tells any two orders of the same samples apart."""

    noise: float = 0.1
    dropout: float = 0.2
    num_samples: int = NUM_SAMPLES
    broken_index: int | None = None

    def make_data(self):
        return GeneratedData(self.num_samples, self.broken_index)

    def make_model(self, data):
        return nn.Sequential(
            nn.Linear(NUM_INPUTS, 8), nn.LayerNorm(8), nn.Dropout(self.dropout), nn.Linear(8, NUM_OUTPUTS)
        )

    def loss(self, model, batch, generator):
        noise = self.noise * torch.randn(batch["x"].shape, generator=generator)
        error = (model(batch["x"] + noise) - batch["y"]).square().mean()
        place = torch.arange(1, len(batch["index"]) + 1)
        return error, {"order": (place * batch["index"]).double().mean()}

    def export(self, model, data, folder):
        save_model(model, str(folder / "model.safetensors"))
        (folder / "policy.json").write_text(json.dumps({"method": "linear"}))


LINEAR = LinearExperiment(
    name="linear", size="debug", data=(Path("none"),), batch_size=8, num_steps=12, warmup_steps=2, learning_rate=1e-2
)
"""12 steps of 8 samples: four epochs and a bit."""


@pytest.fixture
def linear():
    return LINEAR


@pytest.fixture
def signal_in_step(monkeypatch):
    """A function: let the n-th optimiser step from now on (of one pass each) receive a signal."""

    def arrange(number, signal):
        loss, calls = LinearExperiment.loss, []

        def disturbed(self, model, batch, generator):
            calls.append(None)
            if len(calls) == number:
                os.kill(os.getpid(), signal)
            return loss(self, model, batch, generator)

        monkeypatch.setattr(LinearExperiment, "loss", disturbed)

    return arrange
