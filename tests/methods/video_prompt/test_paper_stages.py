"""Both stages of the paper's networks, shrunken, from folders of published weights to actions."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tests.episodes.acted_recording import ROBOT, write_acted
from tests.methods.video_prompt.observations import observation
from tests.methods.video_prompt.shrunken import write_resnet, write_svd

from understudy.embodiments import get_embodiment
from understudy.errors import UnderstudyError, UnknownName
from understudy.methods import make_policy
from understudy.methods.experiments import get_experiment
from understudy.methods.video_prompt import joint_experiments, svd_experiments
from understudy.methods.video_prompt.imagine import imagine, load_video_model
from understudy.methods.video_prompt.network_folder import make_representation, read_representation
from understudy.methods.video_prompt.svd_experiments import SvdExperiment
from understudy.networks.video_diffusion.svd import SvdVideoModel
from understudy.networks.video_diffusion.svd_config import DEBUG, FineTuning, SvdIds
from understudy.training import train

STAGE1, STAGE2 = "video_prompt_stage1_svd_debug", "video_prompt_xhand_joint_debug"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of both runs, of the recording and of the weights."""
    root = tmp_path_factory.mktemp("runs")
    write_acted(root / "data", copies=3)
    write_svd(root / "svd")
    write_resnet(root / "resnet")
    for name in (STAGE1, STAGE2):
        train(_experiment(root, name), root / name, threads=1, tensorboard=False)
    return root


def _experiment(root, name):
    settings = {
        STAGE1: {"weights": root / "svd"},
        STAGE2: {"resnet": root / "resnet", "representation": root / STAGE1 / "policy"},
    }
    return replace(get_experiment(name), data=(root / "data",), **settings[name])


def test_stage_1_exports_a_representation_in_the_published_layout(trained):
    folder = trained / STAGE1 / "policy"
    representation = read_representation(folder)
    assert representation.model.image_size == 32
    unet = load_file(folder / "unet" / "diffusion_pytorch_model.safetensors")
    before = load_file(trained / "svd" / "unet" / "diffusion_pytorch_model.safetensors")
    assert unet.keys() == before.keys()
    assert not torch.equal(unet["conv_in.weight"], before["conv_in.weight"])
    vae = load_file(folder / "vae" / "diffusion_pytorch_model.safetensors")
    assert all(
        torch.equal(value, vae[name])
        for name, value in load_file(trained / "svd" / "vae" / "diffusion_pytorch_model.safetensors").items()
    )
    assert SvdVideoModel.from_folder(folder, SvdIds()).fresh == ()
    assert read_representation(folder).fingerprint() == representation.fingerprint()


def test_z_of_the_training_data_is_whitened(trained):
    data = _experiment(trained, STAGE2).make_data()
    z = np.stack([data.sample(i, np.random.default_rng(0))["z"] for i in range(len(data))])
    assert z.shape == (12, 32)
    assert 0.3 < z.std() < 3


def test_lora_is_merged_in_what_is_exported_and_stays_in_what_is_trained(trained, tmp_path):
    experiment = replace(_experiment(trained, STAGE1), tuning=FineTuning(lora_rank=2), fit_samples=2)
    data = experiment.make_data()
    model = experiment.make_model(data)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("up.weight"):
                weight.normal_(std=0.1, generator=torch.Generator().manual_seed(0))
    learned = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert learned
    assert all(name.startswith("prompt.") or ".up." in name or ".down." in name for name in learned)
    experiment.export(model, data, tmp_path)
    assert any(".down." in name for name, _ in model.named_parameters())
    read = read_representation(tmp_path).model
    assert not any(".down." in name for name, _ in read.named_parameters())
    g = torch.Generator().manual_seed(0)
    x, first, tokens = (torch.randn(shape, generator=g) for shape in ((1, 4, 4, 8, 8), (1, 4, 8, 8), (1, 5, 16)))
    made = [one.eval().denoise(x, torch.ones(1), first, tokens).latents for one in (model, read)]
    assert torch.allclose(*made, atol=1e-4)


def test_what_it_imagines_is_a_video(trained, prompt):
    scene = np.random.default_rng(1).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    shown, made = imagine(prompt, scene, trained / STAGE1 / "policy", 2, 0)
    assert shown.shape == made.shape == (4, 32, 32, 3)
    assert made.std() > 0
    assert np.array_equal(imagine(prompt, scene, trained / STAGE1 / "policy", None, 0)[1], made), (
        "two passes are its own"
    )


def test_frames_and_passes_of_a_video_are_those_of_stage_1_or_of_the_paper(trained):
    """(A.1, Table 3) for weights as published, which say neither, nor what was left out."""
    left_out = ("prompt", "first_frame")
    assert load_video_model(trained / STAGE1 / "policy")[1:] == (4, 2, left_out)
    assert load_video_model(trained / "svd")[1:] == (16, 50, left_out)


def test_a_policy_acts_from_images_alone_and_follows_its_prompt(trained, prompt):
    policy = make_policy(str(trained / STAGE2 / "policy"), ROBOT)
    for head in policy._model.head.action_out.parts:
        torch.nn.init.normal_(head[-1].weight)
    for block in policy._model.head.decoder:
        torch.nn.init.normal_(block.modulation.weight)
    policy.reset(prompt)
    chunk = policy.act(observation(0))
    assert policy.path() is None, "z is the plan"
    assert chunk.actions.shape == (4, get_embodiment(ROBOT).action_space.size)
    assert 0 <= policy.familiarity <= 1
    policy.reset(prompt)
    assert np.array_equal(policy.act(observation(0)).actions, chunk.actions)
    policy.reset(prompt)
    assert not np.allclose(policy.act(observation(1)).actions, chunk.actions)
    policy.reset(None)
    assert not np.allclose(policy.act(observation(0)).actions, chunk.actions)


def test_the_published_resnet_learns_and_keeps_its_statistics(trained):
    published = load_file(trained / "resnet" / "model.safetensors")
    policy = make_policy(str(trained / STAGE2 / "policy"), ROBOT)
    found = policy._model.images.net.state_dict()
    norm = "resnet.embedder.embedder.normalization."
    for name in ("running_mean", "running_var"):
        assert torch.equal(found[norm + name], published[norm + name].bfloat16().float())
    weight = "resnet.embedder.embedder.convolution.weight"
    assert not torch.equal(found[weight], published[weight].bfloat16().float())


@pytest.mark.parametrize("name", [STAGE1, STAGE2])
def test_a_run_that_resumes_is_the_run_that_was_not_stopped(trained, tmp_path, name):
    experiment = _experiment(trained, name)
    train(experiment, tmp_path, steps=3, threads=1, tensorboard=False, save_steps=1, keep=9)
    whole = load_file(tmp_path / "policy" / "model.safetensors")
    for path in sorted((tmp_path / "checkpoints").iterdir())[1:]:
        path.unlink()
    record = tmp_path / "run.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"status": "stopped"}))
    shutil.rmtree(tmp_path / "policy")
    train(experiment, tmp_path, steps=3, resume=True, threads=1, tensorboard=False)
    halves = load_file(tmp_path / "policy" / "model.safetensors")
    assert all(torch.equal(value, halves[key]) for key, value in whole.items())


def test_weights_that_are_not_there_or_do_not_fit_are_one_line(trained, tmp_path):
    stage1, stage2 = (_experiment(trained, name) for name in (STAGE1, STAGE2))
    for experiment, setting in ((stage1, "weights"), (stage2, "resnet")):
        with pytest.raises(UnderstudyError, match=f"none: no such folder: .* --set {setting}=FOLDER") as caught:
            replace(experiment, **{setting: tmp_path / "none"}).make_data()
        assert "\n" not in str(caught.value)
    data = stage2.make_data()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnderstudyError, match=r"empty: it needs config.json and model.safetensors"):
        replace(stage2, resnet=tmp_path / "empty").make_model(data)
    other = write_resnet(tmp_path / "wider", hidden_sizes=[8, 16])
    with pytest.raises(UnderstudyError, match=r"widths=\(8, 16\).*the policy's is .*widths=\(8, 8\)"):
        replace(stage2, resnet=other).make_model(data)
    svd, pooling = SvdVideoModel.from_folder(trained / "svd", SvdIds()), replace(stage1.pooling, taps=("up_0",))
    with pytest.raises(UnknownName, match=r"unknown up-block 'up_0': .*valid: up_blocks.0, up_blocks.1"):
        make_representation(svd, pooling)


@pytest.mark.parametrize("name", [*svd_experiments.EXPERIMENTS, *joint_experiments.EXPERIMENTS])
def test_every_experiment_builds_a_model_that_takes_a_step(trained, tmp_path, name):
    """With its own settings, on shrunken weights; networks that start new have their own size in stage 2."""
    experiment = replace(get_experiment(name), data=(trained / "data",))
    if isinstance(experiment, SvdExperiment):
        new_unet = experiment.new_unet and DEBUG
        clips = replace(experiment.clips, image_size=32, num_frames=4)
        pooling = replace(experiment.pooling, num_frames=4, times=2, channels=4)
        experiment = replace(experiment, weights=trained / "svd", new_unet=new_unet, clips=clips, pooling=pooling)
    else:
        experiment = replace(experiment, representation=trained / STAGE1 / "policy", resnet=None)
    data = experiment.make_data()
    model = experiment.make_model(data)
    sample = data.sample(0, np.random.default_rng(0))
    batch = {key: torch.from_numpy(np.asarray(value))[None] for key, value in sample.items()}
    loss, _ = experiment.loss(model, batch, torch.Generator().manual_seed(0))
    loss.backward()
    assert torch.isfinite(loss)
    learned = [(n, w) for n, w in model.named_parameters() if w.requires_grad]
    idle = [n for n, w in learned if w.grad is None and not n.startswith("pdcp.same")]  # without prototypes as yet
    assert not idle, "parameters that no loss reaches"
    assert all(w.grad is None for n, w in model.named_parameters() if not w.requires_grad)
