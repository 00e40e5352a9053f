"""A run that was stopped and goes on is the run that never stopped, bit for bit."""

import json
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from safetensors.torch import load_file

from understudy.errors import UnderstudyError
from understudy.training import TrainingStopped, train
from understudy.training.checkpoint import checkpoint_paths
from understudy.training.session import Session

STOP, STEPS = 7, 12
"""Step 7 of 8 samples each lies within the third epoch of 22 samples."""


def log_of(out):
    """Losses, sample order, rates and all else that is logged of every step."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def weights_of(out):
    """Every tensor of the last checkpoint, as bytes: weights, averages, moments."""
    return {
        name: value.numpy().tobytes() for name, value in load_file(checkpoint_paths(out / "checkpoints")[-1]).items()
    }


def run(experiment, out, **options):
    return train(experiment, out, threads=1, tensorboard=False, **options)


@pytest.mark.parametrize("settings", [{}, {"num_workers": 2}, {"accumulate": 2}, {"precision": "bf16"}], ids=str)
def test_a_stopped_run_goes_on_bit_for_bit(settings, linear, tmp_path, signal_in_step):
    experiment = replace(linear, **settings)
    run(experiment, tmp_path / "whole")
    signal_in_step(STOP * experiment.accumulate, signal.SIGTERM)
    with pytest.raises(TrainingStopped, match=f"SIGTERM after step {STOP}; .*--resume"):
        run(experiment, tmp_path / "parts")
    assert len(log_of(tmp_path / "parts")) == STOP
    record = run(experiment, tmp_path / "parts", resume=True)
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")
    assert weights_of(tmp_path / "parts") == weights_of(tmp_path / "whole")
    assert (record["status"], record["steps"], record["sessions"]) == ("finished", STEPS, 2)


def test_who_prepares_the_samples_changes_nothing(linear, tmp_path):
    for workers in (0, 2):
        run(replace(linear, num_workers=workers), tmp_path / str(workers))
    assert log_of(tmp_path / "0") == log_of(tmp_path / "2")
    assert weights_of(tmp_path / "0") == weights_of(tmp_path / "2")


def test_steps_after_the_last_checkpoint_are_done_again(linear, tmp_path, monkeypatch):
    run(linear, tmp_path / "whole")
    crash_after(9, monkeypatch)
    with pytest.raises(RuntimeError, match="power cut"):
        run(linear, tmp_path / "parts", save_steps=5)
    monkeypatch.undo()
    assert [path.name for path in checkpoint_paths(tmp_path / "parts/checkpoints")] == ["step_00000005.safetensors"]
    run(linear, tmp_path / "parts", resume=True)
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")
    assert weights_of(tmp_path / "parts") == weights_of(tmp_path / "whole")


def test_a_log_that_a_power_cut_left_in_pieces(linear, tmp_path, monkeypatch):
    run(linear, tmp_path / "whole")
    crash_after(9, monkeypatch)
    with pytest.raises(RuntimeError, match="power cut"):
        run(linear, tmp_path / "parts", save_steps=5)
    monkeypatch.undo()
    log = tmp_path / "parts/log.jsonl"
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:5]) + '\0\0\n{"step": 7')
    run(linear, tmp_path / "parts", resume=True)
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")


def crash_after(steps, monkeypatch):
    from understudy.training.learner import Learner

    step = Learner.step

    def crash(self, batches, number, factor):
        if number == steps:
            raise RuntimeError("power cut")
        return step(self, batches, number, factor)

    monkeypatch.setattr(Learner, "step", crash)


def test_another_seed_is_another_run(linear, tmp_path):
    run(linear, tmp_path / "0")
    run(replace(linear, seed=1), tmp_path / "1")
    orders = [[line["order"] for line in log_of(tmp_path / name)] for name in ("0", "1")]
    assert orders[0] != orders[1]
    assert weights_of(tmp_path / "0") != weights_of(tmp_path / "1")


def test_by_the_clock_the_budget_goes_on_too(linear, tmp_path, monkeypatch, signal_in_step):
    """On a clock that says one second a step, a budget of 20 seconds."""
    monkeypatch.setattr(Session, "elapsed_s", lambda self: self.past_s + self.step - self.first_step)
    whole = run(linear, tmp_path / "whole", minutes=20 / 60)
    assert (whole["steps"], whole["seconds"], whole["config"]["num_steps"]) == (20, 20, None)
    signal_in_step(STOP, signal.SIGTERM)
    with pytest.raises(TrainingStopped):
        run(linear, tmp_path / "parts", minutes=20 / 60)
    record = run(linear, tmp_path / "parts", resume=True)
    assert (record["steps"], record["config"]["minutes"]) == (20, 20 / 60)
    assert log_of(tmp_path / "parts") == log_of(tmp_path / "whole")
    assert weights_of(tmp_path / "parts") == weights_of(tmp_path / "whole")


def test_an_unfinished_run_is_not_overwritten(linear, tmp_path, signal_in_step, monkeypatch):
    signal_in_step(STOP, signal.SIGTERM)
    with pytest.raises(TrainingStopped):
        run(linear, tmp_path)
    before = weights_of(tmp_path)
    with pytest.raises(UnderstudyError, match=r"unfinished run: --resume goes on with it, or choose another --out"):
        run(linear, tmp_path)
    with pytest.raises(
        UnderstudyError, match=r"made with learning_rate 0.01 \(now 0.1\), seed 0 \(now 1\)|made with seed 0"
    ):
        run(replace(linear, seed=1, learning_rate=0.1), tmp_path, resume=True)
    with pytest.raises(UnderstudyError, match=r"num_samples"):
        run(replace(linear, num_samples=30), tmp_path, resume=True)
    monkeypatch.setattr(type(linear), "fitted", lambda self, data: {"scale": 0.2})
    with pytest.raises(UnderstudyError, match="made with data of another scale than none has"):
        run(linear, tmp_path, resume=True)
    assert weights_of(tmp_path) == before


def test_a_finished_run_is_left_alone(linear, tmp_path, capsys):
    run(linear, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    capsys.readouterr()
    for resume in (False, True):
        assert run(linear, tmp_path, resume=resume)["status"] == "finished"
        assert "linear: finished, 12 steps" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_two_trainers_cannot_share_a_folder(linear, tmp_path):
    hold = (
        "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.lockf(file, fcntl.LOCK_EX); print(flush=True); input()"
    )
    command = [sys.executable, "-c", hold, str(tmp_path / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "\n"
        with pytest.raises(UnderstudyError, match="another process is training in this folder"):
            run(linear, tmp_path)
        holder.communicate("\n")
    assert run(linear, tmp_path)["status"] == "finished"
