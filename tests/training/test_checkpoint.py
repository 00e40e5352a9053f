"""Checkpoints: whole or not at all, and only their own bytes are believed."""

import json
import os
import resource

import numpy as np
import pytest
import torch

from understudy.errors import UnderstudyError
from understudy.training.checkpoint import Checkpoint, checkpoint_paths, load_checkpoint, remove_parts, save_checkpoint

TENSORS = {
    "model.weight": torch.arange(12.0).reshape(3, 4),
    "ema.weight": torch.full((3, 4), 0.1),
    "optimizer.step.weight": torch.tensor(7.0),
    "model.count": torch.tensor(3),
    "model.half": torch.tensor([1.5, -2.0], dtype=torch.bfloat16),
    "model.empty": torch.zeros(0, 3),
}
FULL_AT_BYTES = 50_000
STATE = {"elapsed_s": 0.1 + 0.2, "config": {"name": "linear"}, "scaler": None}


def test_what_is_loaded_is_what_was_saved(tmp_path):
    path = save_checkpoint(tmp_path, Checkpoint(7, TENSORS, STATE))
    loaded = load_checkpoint(path)
    assert (loaded.step, dict(loaded.state)) == (7, STATE)
    assert loaded.tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        assert torch.equal(loaded.tensors[name], tensor)


def test_the_newest_few_stay_in_the_order_of_their_steps(tmp_path):
    for step in (9, 10, 100, 1_000_000_000):
        save_checkpoint(tmp_path, Checkpoint(step, TENSORS), keep=3)
    assert [load_checkpoint(path).step for path in checkpoint_paths(tmp_path)] == [10, 100, 1_000_000_000]
    assert checkpoint_paths(tmp_path / "nowhere") == []


def test_half_written_files_are_no_checkpoints(tmp_path):
    save_checkpoint(tmp_path, Checkpoint(1, TENSORS))
    (tmp_path / ".writing").mkdir()
    (tmp_path / ".writing/step_00000002.safetensors").write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    assert [path.name for path in checkpoint_paths(tmp_path)] == ["step_00000001.safetensors"]
    remove_parts(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["notes.txt", "step_00000001.safetensors"]


@pytest.mark.parametrize("seed", range(60))
def test_a_changed_byte_is_noticed(seed, tmp_path):
    path = save_checkpoint(tmp_path, Checkpoint(7, TENSORS, STATE))
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(seed)
    place = int(rng.integers(8, len(content)))
    content[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)
    with pytest.raises(
        UnderstudyError, match=r"step_00000007.safetensors: .*(remove it to use an older one|this version reads)"
    ):
        load_checkpoint(path)


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 100, -1])
def test_a_cut_off_file_is_refused(cut, tmp_path):
    path = save_checkpoint(tmp_path, Checkpoint(7, TENSORS, STATE))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UnderstudyError, match=r"step_00000007.safetensors: (not a readable checkpoint|damaged)"):
        load_checkpoint(path)


def test_other_files_and_formats_are_refused(tmp_path):
    from safetensors.torch import save_file

    foreign = tmp_path / "step_00000001.safetensors"
    save_file(TENSORS, foreign)
    with pytest.raises(UnderstudyError, match="not a readable checkpoint"):
        load_checkpoint(foreign)
    head = {"format": 99, "step": 1, "sha256": "", "state": {}}
    save_file(TENSORS, foreign, metadata={"understudy": json.dumps(head)})
    with pytest.raises(UnderstudyError, match="checkpoint format 99, this version reads 1"):
        load_checkpoint(foreign)
    with pytest.raises(UnderstudyError, match=r"step_00000002.safetensors: no such checkpoint"):
        load_checkpoint(tmp_path / "step_00000002.safetensors")


def test_a_full_disk_leaves_the_older_checkpoint(tmp_path):
    """A limit on the size of files stands in for the disk's end."""
    save_checkpoint(tmp_path, Checkpoint(1, {"model.weight": torch.ones(1000)}))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FULL_AT_BYTES, limits[1]))
    try:
        with pytest.raises(UnderstudyError, match=r"step_00000002.safetensors: cannot be written: .*File too large"):
            save_checkpoint(tmp_path, Checkpoint(2, {"model.weight": torch.ones(FULL_AT_BYTES)}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == ["step_00000001.safetensors"]
    assert load_checkpoint(tmp_path / "step_00000001.safetensors").step == 1


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(
        UnderstudyError, match=r"file/run/step_00000001.safetensors: cannot be written: Not a directory"
    ):
        save_checkpoint(tmp_path / "file" / "run", Checkpoint(1, TENSORS))
