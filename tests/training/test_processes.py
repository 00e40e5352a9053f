"""Two processes on one machine learn what one does."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from understudy.errors import UnderstudyError
from understudy.training import train
from understudy.training.checkpoint import checkpoint_paths

PROCESSES = 2
SCRIPT = f"""
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from conftest import LINEAR
from understudy.training import train

out = Path(sys.argv[1])
train(LINEAR, out / "noisy", threads=1, tensorboard=False)
train(replace(LINEAR, noise=0.0, dropout=0.0), out / "plain", threads=1, tensorboard=False)
"""


def in_two_processes(out):
    """As torchrun starts them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(PROCESSES)}
    running = []
    for rank in range(PROCESSES):
        environment = os.environ | place | {"RANK": str(rank), "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", SCRIPT, str(out)]
        running.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    errors = [process.communicate()[1] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES, "".join(errors)


def losses(out):
    return torch.tensor([json.loads(line)["loss"] for line in (out / "log.jsonl").read_text().splitlines()])


def check_same(one, two):
    """Equal but for the order in which floats are added."""
    torch.testing.assert_close(losses(one), losses(two), rtol=1e-5, atol=1e-6)
    tensors = [load_file(checkpoint_paths(out / "checkpoints")[-1]) for out in (one, two)]
    for name in tensors[0]:
        torch.testing.assert_close(tensors[0][name], tensors[1][name], rtol=1e-4, atol=1e-5, msg=name)


def test_two_processes_give_the_losses_of_one(linear, tmp_path):
    in_two_processes(tmp_path)
    plain = replace(linear, noise=0.0, dropout=0.0)
    train(plain, tmp_path / "one_plain", threads=1, tensorboard=False)
    check_same(tmp_path / "one_plain", tmp_path / "plain")
    # Noise and dropout belong to a part of the batch, whoever works on it: here one process, on both in turn.
    train(replace(linear, accumulate=PROCESSES), tmp_path / "one_noisy", threads=1, tensorboard=False)
    check_same(tmp_path / "one_noisy", tmp_path / "noisy")
    with pytest.raises(UnderstudyError, match=r"made with processes 2 \(now 1\)"):
        train(linear, tmp_path / "noisy")
