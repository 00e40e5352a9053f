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
    write_representation(
        tmp_path / "model", make_representation(SmallVideoModel(SIZES), pooling), "none", sampling_steps=3
    )
    return tmp_path


def _run(folder, **changes):
    words = {"prompt": folder / "prompt.mp4", "scene": folder / "scene.png", "model": folder / "model"}
    words |= {"out": folder / "out" / "imagined.mp4", "steps": 2} | changes
    given = {name: value for name, value in words.items() if value is not None}
    return main(["imagine", *(str(word) for name, value in given.items() for word in (f"--{name}", value))])


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

    def counting(model, first, tokens, length, steps, generator):
        sampled.append(steps)
        return sample(model, first, tokens, length, steps, generator)

    monkeypatch.setattr(imagine_module, "sample_video", counting)
    assert _run(folder, steps=None) == 0
    assert _run(folder, steps=2) == 0
    _say(folder, sampling_steps=None)  # as folders were before
    assert _run(folder, steps=None) == 0
    assert sampled == [3, 2, 1]


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
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(folder, capsys, changes, said):
    assert _run(folder, **changes) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (folder / "out").exists()
