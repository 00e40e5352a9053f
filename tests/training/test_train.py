"""What a run leaves behind, and what it says when it cannot go on."""

import json
import os
import resource
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from understudy.commands import main
from understudy.commands import train as command
from understudy.errors import UnderstudyError
from understudy.methods import experiments
from understudy.training import TrainingStopped, export_policy, train
from understudy.training.checkpoint import checkpoint_paths, load_checkpoint
from understudy.training.run_folder import experiment_config, refuse_other_data, refuse_other_settings, with_overrides


def run(experiment, out, **options):
    return train(experiment, out, threads=1, **{"tensorboard": False, **options})


def test_it_learns(linear, tmp_path):
    """The noise of the outputs, 0.1, is what remains at best."""
    experiment = replace(linear, num_steps=400, noise=0.0, dropout=0.0, weight_decay=0.0, learning_rate=0.03)
    record = run(experiment, tmp_path)
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])["loss"]
    assert record["final"]["loss"] < 0.05 < 0.5 < first


def test_the_record_of_a_run(linear, tmp_path):
    record = run(linear, tmp_path, tensorboard=True, command="understudy train linear")
    assert json.loads((tmp_path / "run.json").read_text()) == record
    assert {
        "experiment": "linear",
        "status": "finished",
        "steps": 12,
        "command": "understudy train linear",
    }.items() <= record.items()
    assert {"commit", "machine", "threads", "started", "torch", "setup_seconds"} <= record.keys()
    assert record["config"]["learning_rate"] == linear.learning_rate
    assert 12 * 8 / record["samples_per_s"] == pytest.approx(record["seconds"], abs=0.006)  # to a hundredth
    assert 50 < record["peak_memory_mb"] < 20_000
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert record["final"]["loss"] == pytest.approx(sum(line["loss"] for line in lines) / 12)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert {"loss", "learning_rate", "grad_norm", "order"} <= set(events.Tags()["scalars"])
    assert events.Scalars("loss")[-1].step == 12


def test_the_policy_is_the_average(linear, tmp_path):
    run(linear, tmp_path, save_steps=5, keep=3)
    policy = load_file(tmp_path / "policy/model.safetensors")
    tensors = load_checkpoint(checkpoint_paths(tmp_path / "checkpoints")[-1]).tensors
    assert all(torch.equal(value, tensors[f"ema.{name}"]) for name, value in policy.items())
    assert any(not torch.equal(value, tensors[f"model.{name}"]) for name, value in policy.items())
    export_policy(linear, tmp_path, step=5)
    tensors = load_checkpoint(tmp_path / "checkpoints/step_00000005.safetensors").tensors
    again = load_file(tmp_path / "policy/model.safetensors")
    assert all(torch.equal(value, tensors[f"ema.{name}"]) for name, value in again.items())
    export_policy(linear, tmp_path)
    again = load_file(tmp_path / "policy/model.safetensors")
    assert all(torch.equal(again[name], policy[name]) for name in policy)
    with pytest.raises(UnderstudyError, match=r"no checkpoint of step 6: there are \[5, 10, 12\]"):
        export_policy(linear, tmp_path, step=6)
    with pytest.raises(UnderstudyError, match="no checkpoint to export"):
        export_policy(linear, tmp_path / "nowhere")


def test_a_policy_is_not_exported_with_what_other_data_give(linear, tmp_path, monkeypatch):
    monkeypatch.setattr(type(linear), "fitted", lambda self, data: {"scale": 0.1, "labels": ("a", "b")})
    run(linear, tmp_path)
    before = (tmp_path / "policy/model.safetensors").read_bytes()
    assert export_policy(linear, tmp_path) == tmp_path / "policy"
    monkeypatch.setattr(type(linear), "fitted", lambda self, data: {"scale": 0.2, "labels": ("a", "b")})
    with pytest.raises(UnderstudyError, match="made with data of another scale than none has: give the same"):
        export_policy(linear, tmp_path)
    assert (tmp_path / "policy/model.safetensors").read_bytes() == before


def test_an_older_run_is_known_by_its_number_of_samples(linear, tmp_path):
    data = linear.make_data()
    refuse_other_data(tmp_path, linear, {"num_samples": len(data)}, data)
    with pytest.raises(UnderstudyError, match="made with 23 samples, and none has 22: give the same data with --data"):
        refuse_other_data(tmp_path, linear, {"num_samples": 23}, data)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "fp16"}, "precision fp16 needs a GPU; on the CPU use bf16 or no"),
        ({"accumulate": 3}, "batch_size 8 cannot be split evenly over accumulate 3 x 1 processes"),
        ({"broken_index": 4}, "episode 4: the video cannot be read"),
        ({"broken_index": 4, "num_workers": 1}, "episode 4: the video cannot be read"),
        ({"num_samples": 0}, "the training data hold no sample"),
        (
            {"learning_rate": 1e30, "clip_norm": 1e30},
            "(loss|grad_norm) is (nan|inf) at step .*: try a lower learning rate",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="one of the cases is about machines without a GPU")
def test_what_stops_a_run_is_one_line(settings, message, linear, tmp_path):
    with pytest.raises(UnderstudyError, match=message) as caught:
        run(replace(linear, **settings), tmp_path)
    assert len(str(caught.value).splitlines()) == 1
    assert not checkpoint_paths(tmp_path / "checkpoints")
    assert not (tmp_path / "policy").exists()


def test_settings_that_do_not_fit_are_named_and_bugs_keep_their_traceback(linear, tmp_path, monkeypatch):
    with pytest.raises(UnderstudyError, match=r"linear does not work with --set learning_rate=-1: ValueError: Invalid"):
        run(replace(linear, learning_rate=-1.0, changes=("learning_rate=-1",)), tmp_path / "built")
    with pytest.raises(ValueError, match="Invalid learning rate"):
        run(replace(linear, learning_rate=-1.0), tmp_path / "unchanged")
    monkeypatch.setattr(type(linear), "loss", lambda self, model, batch, generator: batch["absent"])
    with pytest.raises(UnderstudyError, match=r"does not work with --set seed=1: KeyError: 'absent'"):
        run(replace(linear, changes=("seed=1",)), tmp_path / "stepped")


def test_a_loss_that_breaks_is_found_before_a_checkpoint(linear, tmp_path, monkeypatch):
    calls = []

    def breaking(self, model, batch, generator):
        calls.append(None)
        loss = model(batch["x"]).square().mean()
        return loss * (float("nan") if len(calls) > 8 else 1.0), {}

    monkeypatch.setattr(type(linear), "loss", breaking)
    with pytest.raises(UnderstudyError, match="loss is nan at step 9"):
        run(linear, tmp_path, save_steps=5)
    assert [load_checkpoint(path).step for path in checkpoint_paths(tmp_path / "checkpoints")] == [5]


def test_a_full_disk_ends_a_run_with_its_last_checkpoint(linear, tmp_path, monkeypatch):
    """A limit on the size of files, set once the first checkpoint is there."""
    run(replace(linear, num_steps=5), tmp_path / "first")
    size = checkpoint_paths(tmp_path / "first/checkpoints")[0].stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    loss, calls = type(linear).loss, []

    def filling(self, model, batch, generator):
        calls.append(None)
        if len(calls) == 7:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, limits[1]))
        return loss(self, model, batch, generator)

    monkeypatch.setattr(type(linear), "loss", filling)
    try:
        with pytest.raises(UnderstudyError, match=r"step_00000010.safetensors: cannot be written: .*File too large"):
            run(linear, tmp_path / "run", save_steps=5)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    monkeypatch.undo()
    assert [load_checkpoint(path).step for path in checkpoint_paths(tmp_path / "run/checkpoints")] == [5]
    assert run(linear, tmp_path / "run", resume=True)["status"] == "finished"


@pytest.mark.parametrize("below", ["file/run", "/proc/understudy"])
def test_a_folder_that_cannot_be_written(below, linear, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(UnderstudyError, match="cannot be written"):
        run(linear, tmp_path / below)


def test_a_foreign_record_is_left_alone(linear, tmp_path):
    (tmp_path / "run.json").write_text('{"mine": 1}')
    with pytest.raises(UnderstudyError, match=r"run.json: not the record of a run .*; choose another folder"):
        run(linear, tmp_path)
    assert (tmp_path / "run.json").read_text() == '{"mine": 1}'


def test_precision_bf16_computes_in_bf16(linear, tmp_path, monkeypatch):
    seen = set()

    def looking(self, model, batch, generator):
        output = model(batch["x"])
        seen.add(output.dtype)
        return (output - batch["y"]).square().mean(), {}

    monkeypatch.setattr(type(linear), "loss", looking)
    run(replace(linear, precision="bf16"), tmp_path)
    assert seen == {torch.bfloat16}
    tensors = load_checkpoint(checkpoint_paths(tmp_path / "checkpoints")[-1]).tensors
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}


@pytest.mark.skipif(not any(shutil.which(name) for name in ("g++", "clang++")), reason="no C++ compiler")
@pytest.mark.filterwarnings("ignore")  # of torch's own code, which as errors break its compiler
def test_a_compiled_run_learns_the_same_and_stays_compiled(linear, tmp_path, signal_in_step):
    experiment = replace(linear, dropout=0.0)
    plain = run(experiment, tmp_path / "plain")
    signal_in_step(5, signal.SIGINT)
    with pytest.raises(TrainingStopped):
        run(experiment, tmp_path / "compiled", compiled=True)
    record = run(experiment, tmp_path / "compiled", resume=True)
    assert (plain["compiled"], record["compiled"], record["sessions"]) == (False, True, 2)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0, "something went through the compiler"
    assert record["final"] == pytest.approx(plain["final"], rel=1e-4)
    one, other = (load_file(tmp_path / name / "policy/model.safetensors") for name in ("plain", "compiled"))
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.allclose(value, other[name], atol=1e-5)


def test_compiling_for_the_cpu_needs_a_compiler(linear, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UnderstudyError, match=r"--compile needs a C\+\+ compiler .* none was found"):
        run(linear, tmp_path / "out", compiled=True)
    assert not (tmp_path / "out").exists(), "nothing is left behind"


def test_torch_is_left_as_it_was(linear, tmp_path):
    def settings():
        handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        return torch.are_deterministic_algorithms_enabled(), torch.get_num_threads(), handlers

    before = settings()
    run(linear, tmp_path)
    assert settings() == before


def test_overrides_and_what_a_run_was_begun_with(linear):
    given = {"seed": None, "num_workers": 2, "data": None}
    assert with_overrides(linear, given) == replace(linear, num_workers=2)
    recorded = {"seed": 5, "num_workers": 0, "data": ["elsewhere", "there"]}
    chosen = with_overrides(linear, given, recorded)
    assert (chosen.seed, chosen.num_workers, chosen.data) == (5, 2, (Path("elsewhere"), Path("there")))


def test_records_of_before_a_setting_was_there_go_on(linear):
    now = experiment_config(linear)
    before = {name: value for name, value in now.items() if name != "changes"}
    refuse_other_settings(Path("run"), before, now)
    with pytest.raises(UnderstudyError, match=r"changes \[\] \(now \['batch_size=4'\]\)"):
        refuse_other_settings(Path("run"), before, now | {"changes": ["batch_size=4"]})


def test_an_older_run_goes_on_without_what_came_later():
    now = experiment_config(experiments.get_experiment("video_prompt_xhand_debug"))
    later = ("by_clock", "scene_arithmetic", "painted_robot", "linear_plan", "start")
    before = {name: value for name, value in now.items() if name not in later}
    later = ("clocked", "linear_skills", "linear_components", "things")
    before["model"] = {name: value for name, value in now["model"].items() if name not in later}
    heads = now["model"]["diffusion"]
    before["model"]["diffusion"] = {name: value for name, value in heads.items() if name != "prediction"}
    later = ("path_shift_m", "position_unit_m")
    before["losses"] = {name: value for name, value in now["losses"].items() if name not in later}
    before["acted"] = {name: value for name, value in now["acted"].items() if name != "things"}
    refuse_other_settings(Path("run"), before, now)
    noise = {"diffusion": heads | {"prediction": "noise"}}
    others = [now | {"model": now["model"] | changed} for changed in ({"clocked": 0.5}, {"things": 3}, noise)]
    for wrong in (now | {"by_clock": True}, now | {"linear_plan": True}, *others):
        with pytest.raises(UnderstudyError, match="this run was made with"):
            refuse_other_settings(Path("run"), before, wrong)


@pytest.mark.parametrize("name", ["video_prompt_stage1_debug", "video_prompt_stage1_paper"])
def test_how_videos_are_sampled_is_no_part_of_what_a_run_learned(name):
    """So that an older run, whose record does not say, can be gone on with and exported."""
    now = experiment_config(experiments.get_experiment(name))
    before = {setting: value for setting, value in now.items() if setting != "sampling_steps"}
    assert before != now
    refuse_other_settings(Path("run"), before, now)


def test_an_older_run_of_stage_1_had_no_weights():
    now = experiment_config(experiments.get_experiment("video_prompt_stage1_debug"))
    before = now | {"clips": {name: value for name, value in now["clips"].items() if name != "weights"}}
    refuse_other_settings(Path("run"), before, now)
    with pytest.raises(UnderstudyError, match="this run was made with clips"):
        refuse_other_settings(Path("run"), before, now | {"clips": now["clips"] | {"weights": [1.0, 2.0]}})


@pytest.fixture
def registered(linear, monkeypatch):
    monkeypatch.setattr(experiments, "EXPERIMENTS", {"linear": lambda: linear})
    return linear


def test_the_command(registered, tmp_path, capsys, signal_in_step):
    """Stopped by Ctrl-C, gone on, started again, exported: with the options of the first time."""
    begin = ["train", "linear", "--out", str(tmp_path), "--threads", "1"]
    signal_in_step(7, signal.SIGINT)
    assert main([*begin, "--seed", "3", "--steps", "10", "--set", "weight_decay=0.5"]) == 130
    how = f"understudy train linear --out {tmp_path} --resume"
    assert capsys.readouterr().err.endswith(f"understudy train: stopped by SIGINT after step 7; go on with: {how}\n")
    assert main(begin) == 2
    assert "unfinished run: --resume goes on with it" in capsys.readouterr().err
    assert main([*begin, "--resume"]) == 0
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["status"], record["steps"], record["config"]["seed"]) == ("finished", 10, 3)
    assert (record["config"]["weight_decay"], record["config"]["changes"]) == (0.5, ["weight_decay=0.5"])
    assert main([*begin, "--resume"]) == 0
    assert "finished, 10 steps" in capsys.readouterr().err
    (tmp_path / "policy/policy.json").unlink()
    assert main(["train", "linear", "--out", str(tmp_path), "--export-only"]) == 0
    assert capsys.readouterr().out == f"see {tmp_path / 'policy'}\n"
    assert sorted(os.listdir(tmp_path / "policy")) == ["model.safetensors", "policy.json"]


def test_sigterm_is_143(registered, tmp_path, signal_in_step):
    signal_in_step(2, signal.SIGTERM)
    assert command.run("linear", out=tmp_path, threads=1) == 143
    signal_in_step(2, signal.SIGTERM)
    with pytest.raises(TrainingStopped):
        run(registered, tmp_path, resume=True)


def test_an_unknown_experiment_lists_the_known_ones(registered, capsys):
    assert main(["train", "linaer"]) == 2
    assert "unknown experiment 'linaer': did you mean 'linear'? valid: linear" in capsys.readouterr().err


def test_what_is_missing_is_named(monkeypatch, capsys):
    from understudy.commands import learned

    monkeypatch.setattr(learned, "find_spec", lambda package: None if package == "accelerate" else package)
    for arguments in (["train", "linear"], ["list", "experiments"]):
        assert main(arguments) == 2
        assert 'accelerate not installed: pip install "understudy[learn]"' in capsys.readouterr().err
