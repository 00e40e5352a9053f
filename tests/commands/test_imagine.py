"""`understudy imagine` on a model that has learned nothing: what it writes, and what it refuses."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from understudy.commands import main
from understudy.methods.video_prompt import imagine as imagine_module
from understudy.methods.video_prompt.imagine import imagine
from understudy.methods.video_prompt.network_folder import make_representation, write_representation
from understudy.methods.video_prompt.representation import RepresentationConfig
from understudy.networks.video_diffusion.small import SmallConfig, SmallVideoModel
from understudy.networks.video_diffusion.small_unet import UNetConfig
from understudy.perception.video import open_video, read_frames
from understudy.perception.video_writer import write_video

SIZES = SmallConfig(32, UNetConfig(8, (8, 16), heads=2, blocks=1), (8, 8, 8), prompt_width=8)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    write_video(tmp_path / "prompt.mp4", rng.integers(0, 255, (12, 48, 64, 3), dtype=np.uint8), 6.0)
    Image.fromarray(rng.integers(0, 255, (40, 50, 3), dtype=np.uint8)).save(tmp_path / "scene.png")
    torch.manual_seed(0)
    pooling = RepresentationConfig(num_frames=4, times=2, cells=2, channels=4)
    representation = make_representation(SmallVideoModel(SIZES), pooling)
    torch.nn.init.normal_(representation.model.unet.conv_out.weight)  # zeros hold the first frame still
    write_representation(tmp_path / "model", representation, "none", sampling_steps=3, left_out=("prompt",))
    return tmp_path


def _run(folder, **changes):
    words = {"prompt": folder / "prompt.mp4", "scene": folder / "scene.png", "model": folder / "model"}
    words |= {"out": folder / "out" / "imagined.mp4", "steps": 2} | changes
    given = {name: value for name, value in words.items() if value is not None}
    return main(["imagine", *(word for name, value in given.items() for word in (f"--{name}", *str(value).split()))])


def test_the_prompt_and_what_is_imagined_stand_side_by_side(folder, capsys):
    assert _run(folder) == 0
    assert "imagined.mp4" in capsys.readouterr().out
    video = open_video(folder / "out" / "imagined.mp4")
    assert (video.num_frames, video.width, video.height) == (4, 512, 256)
    assert video.fps == pytest.approx(2)  # 4 frames for the 2 s of the prompt
    shown, made = imagine(
        open_video(folder / "prompt.mp4"), np.asarray(Image.open(folder / "scene.png")), folder / "model", 2, 0
    )
    first = next(iter(read_frames(video)))[1].astype(float)
    for half, expected in ((first[:, :256], shown[0]), (first[:, 256:], made[0])):
        assert abs(half.mean() - expected.mean()) < 8


def test_the_same_seed_is_the_same_video(folder):
    scene = np.asarray(Image.open(folder / "scene.png"))
    once, again, other = (
        imagine(open_video(folder / "prompt.mp4"), scene, folder / "model", 2, s)[1] for s in (0, 0, 1)
    )
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def _say(folder, **fields):
    """Rewrite `network.json`; a field of None is left out."""
    path = folder / "model" / "network.json"
    content = json.loads(path.read_text()) | fields
    path.write_text(json.dumps({name: value for name, value in content.items() if value is not None}))


def test_passes_are_those_of_the_folder_unless_others_are_asked_for(folder, monkeypatch):
    sampled, sample = [], imagine_module.sample_video

    def counting(model, first, tokens, length, steps, generator, guidance):
        sampled.append((steps, guidance))
        return sample(model, first, tokens, length, steps, generator, guidance)

    monkeypatch.setattr(imagine_module, "sample_video", counting)
    assert _run(folder, steps=None) == 0
    assert _run(folder, steps=2) == 0
    _say(folder, sampling_steps=None)  # as folders were before
    assert _run(folder, steps=None) == 0
    assert sampled == [(3, None), (2, None), (1, None)]


def _guided(folder, *weights, reverse=False, dark=False):
    """Of the prompt, or of it backwards, in the scene, or in a dark one."""
    path = folder / "backwards.mp4" if reverse else folder / "prompt.mp4"
    if not path.exists():
        frames = [frame for _, frame in read_frames(open_video(folder / "prompt.mp4"))]
        write_video(path, np.stack(frames[::-1]), 6.0)
    scene = np.asarray(Image.open(folder / "scene.png")) // (2 if dark else 1)
    made = imagine(open_video(path), scene, folder / "model", 2, 0, tuple(map(float, weights)) or None)[1]
    return made.astype(float)


def test_guidance_of_one_changes_nothing_of_none_has_no_prompt_and_above_goes_on(folder):
    plain, same, without, half, twice = (_guided(folder, *w) for w in ((), (1, 1), (0, 0), (0.5, 0.5), (2, 2)))
    assert np.abs(same - plain).max() <= 1
    assert np.array_equal(without, _guided(folder, 0, 0, reverse=True))
    assert not np.array_equal(plain, _guided(folder, reverse=True))
    far = [np.abs(made - without).mean() for made in (half, plain, twice)]
    assert 0 < far[0] < far[1] < far[2]


@pytest.mark.parametrize("left_out", [["prompt"], ["prompt", "first_frame"]])
def test_guidance_leaves_out_what_training_did(folder, left_out):
    _say(folder, left_out=left_out)
    seen = not np.array_equal(_guided(folder, 0, 0), _guided(folder, 0, 0, dark=True))
    assert seen == ("first_frame" not in left_out)


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ([], "model: guidance: training never left the prompt out (losses.drop_prompt 0)"),
        (["first_frame"], "model: guidance: training never left the prompt out"),
        (None, "network.json does not say whether training left the prompt out at times; if it did"),
        (["everything"], "network.json: left_out ['everything']: needs a list of none or some of"),
        ("prompt", "network.json: left_out 'prompt': needs a list"),
    ],
)
def test_guidance_needs_a_model_that_can_do_without_the_prompt(folder, capsys, left_out, said):
    _say(folder, left_out=left_out)
    assert _run(folder, guidance="1 3") == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (folder / "out").exists()


def test_guidance_is_asked_for_by_two_weights(folder):
    assert _run(folder, guidance="1 3") == 0
    assert open_video(folder / "out" / "imagined.mp4").num_frames == 4


@pytest.mark.parametrize("steps", [0, 2.5, True, "many"])
def test_a_folder_that_says_no_number_of_passes(folder, capsys, steps):
    _say(folder, sampling_steps=steps)
    assert _run(folder, steps=None) == 2
    error = capsys.readouterr().err.strip()
    assert f"network.json: sampling_steps {steps!r}: must be a whole number, at least 1" in error
    assert "\n" not in error
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompt": "none.mp4"}, "none.mp4"),
        ({"scene": "none.png"}, "none.png: no such file"),
        ({"model": "nowhere"}, "network.json: No such file"),
        ({"steps": 0}, "--steps 0: must be at least 1"),
        ({"guidance": "1 nan"}, "--guidance 1 nan: must be two numbers, 0 or above"),
        ({"guidance": "-0.5 2"}, "--guidance -0.5 2: must be two numbers, 0 or above"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(folder, capsys, changes, said):
    assert _run(folder, **changes) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (folder / "out").exists()
