"""Prompts and policies that users bring: one clear line and exit code 2 for what cannot be used, notes for the rest."""

import json
import shutil
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tests.methods.video_prompt.debug_policy import ROBOT, write_debug_policy

from understudy.commands import main
from understudy.evaluation import perform as perform_module
from understudy.evaluation import prompt_look
from understudy.evaluation.judge import Judge
from understudy.perception.video import open_video
from understudy.perception.video_writer import write_video
from understudy.simulation.tabletop import Tabletop

TASK, SEED, SIZE = "press_button", 1_000_000, 64


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    return write_debug_policy(tmp_path_factory.mktemp("policy"))


@pytest.fixture
def own(policy, tmp_path):
    """A copy of policy and representation, to be damaged."""
    shutil.copytree(policy.parent, tmp_path / "own")
    return tmp_path / "own" / "policy"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Rollouts of a few steps and small films."""
    monkeypatch.setattr(perform_module, "_VIDEO_SIZE", 16)
    monkeypatch.setattr(Tabletop, "max_steps", 4)
    monkeypatch.setattr(Judge, "time_limit_s", 0.4)


def square_at(step, width=SIZE, height=SIZE):
    """A grey picture with a bright square that goes from left to right as `step` goes from 0 to 1."""
    image = np.full((height, width, 3), 90, dtype=np.uint8)
    left = int(step * (width - 16))
    image[height // 2 - 8 : height // 2 + 8, left : left + 16] = (250, 200, 40)
    return image


def moving(path, num_frames=12, fps=10.0, still=(0, 0), **size):
    steps = [0.0] * still[0] + np.linspace(0, 1, num_frames).tolist() + [1.0] * still[1]
    write_video(path, [square_at(step, **size) for step in steps], fps)
    return path


def perform(prompt, policy, out, *more):
    words = ["--prompt", prompt, "--policy", policy, "--task", TASK, "--seed", SEED, "--robot", ROBOT, "--out", out]
    return main(["perform", *map(str, words), *more])


def refused(capsys, code, verb="perform"):
    assert code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"understudy {verb}: error: ")
    return lines[0]


def one_frame(folder):
    return moving(folder / "one.mp4", 1)


def a_picture(folder):
    Image.fromarray(square_at(0)).save(folder / "photo.jpg")
    return folder / "photo.jpg"


def cut_off(folder):
    path = folder / "cut.mp4"
    write_video(path, np.random.default_rng(0).integers(0, 255, (24, SIZE, SIZE, 3), dtype=np.uint8), 10.0)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def no_video(folder):
    path = folder / "text.mp4"
    path.write_text("this is no video\n" * 50)
    return path


BAD_PROMPTS = [
    (one_frame, "one.mp4: it has 1 frame"),
    (a_picture, "photo.jpg: it has 1 frame"),
    (cut_off, "cut.mp4"),
    (no_video, "text.mp4: not a readable video"),
    (lambda folder: folder / "nowhere.mp4", "nowhere.mp4: no such file"),
    (lambda folder: folder, "not a file"),
]


@pytest.mark.parametrize(("make", "said"), BAD_PROMPTS)
def test_prompts_that_cannot_be_followed(make, said, policy, tmp_path, capsys):
    assert said in refused(capsys, perform(make(tmp_path), policy, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("make", "said"), BAD_PROMPTS)
def test_prompts_that_nothing_can_be_imagined_of(make, said, policy, tmp_path, capsys):
    Image.fromarray(square_at(0)).save(tmp_path / "scene.png")
    words = ["--prompt", make(tmp_path), "--scene", tmp_path / "scene.png", "--model", policy.parent / "representation"]
    code = main(["imagine", *map(str, [*words, "--out", tmp_path / "out" / "imagined.mp4"])])
    assert said in refused(capsys, code, "imagine")
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_words_and_words_are_no_file(policy, tmp_path, capsys, monkeypatch):
    assert "push it: no such file" in refused(capsys, perform("push it", policy, tmp_path / "out"))
    monkeypatch.setattr("understudy.methods.video_prompt.policy.VideoPromptPolicy.prompt_kind", "label")
    line = refused(capsys, perform(moving(tmp_path / "clip.mp4"), policy, tmp_path / "out"))
    assert "is told in words" in line
    assert "there is no video to trim" in refused(capsys, perform("push it", policy, tmp_path / "out", "--trim"))


def test_what_a_policy_cannot_do_is_said_before_anything_runs(policy, tmp_path, capsys):
    clip = moving(tmp_path / "clip.mp4")
    line = refused(capsys, perform(clip, "kinematic", tmp_path / "out", "--imagine"))
    assert "--imagine: kinematic has no video model" in line
    assert "give --prompt VIDEO" in refused(capsys, perform("", policy, tmp_path / "out", "--imagine"))
    assert "give --prompt VIDEO" in refused(capsys, perform("", policy, tmp_path / "out", "--trim"))
    still = moving(tmp_path / "still.mp4", num_frames=1, still=(9, 0))
    assert "nothing moves in it" in refused(capsys, perform(still, policy, tmp_path / "out", "--trim"))
    assert not (tmp_path / "out").exists()


def report_of(out):
    return json.loads((out / "report.json").read_text())


def test_a_phone_held_upright_at_a_changing_rate(policy, tmp_path, capsys):
    """Portrait by its display matrix, frames every 33 ms and then every 200 ms, 7 seconds."""
    path = tmp_path / "phone.mp4"
    times_ms = [*range(0, 1000, 33), *range(1000, 7001, 200)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        stream.set_display_rotation(-90)
        for time_ms in times_ms:
            lying = np.rot90(square_at(time_ms / 7000, width=64, height=96))
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(lying), format="rgb24")
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert (open_video(path).width, open_video(path).height) == (64, 96)
    assert perform(path, policy, tmp_path / "out", "--imagine") == 0
    report = report_of(tmp_path / "out")
    assert report["seen_in_prompt"]["frames"] == len(times_ms)
    assert report["seen_in_prompt"]["seconds"] == pytest.approx(7.0, abs=0.01)
    assert open_video(tmp_path / "out" / "imagined.mp4").num_frames == 4
    film = open_video(tmp_path / "out" / "film.mp4")
    assert (film.width, film.height) == (3 * 256 + 2 * 4, 256)
    assert film.num_frames == open_video(tmp_path / "out" / "rollout.mp4").num_frames
    assert "the prompt | imagined | what the robot did" in (tmp_path / "out" / "report.html").read_text()


def test_stillness_is_said_and_cut_off(policy, tmp_path, capsys):
    clip = moving(tmp_path / "clip.mp4", num_frames=21, still=(30, 20))  # 3 s, 2 s of motion, 2 s
    assert perform(clip, policy, tmp_path / "as_it_is") == 0
    assert (
        "nothing moves in the first 3.0 s and the last 2.0 s of the prompt's 7.0 s: --trim" in capsys.readouterr().out
    )
    assert perform(clip, policy, tmp_path / "trimmed", "--trim") == 0
    assert "nothing moves" not in capsys.readouterr().out
    seen = report_of(tmp_path / "trimmed")["seen_in_prompt"]
    assert seen["seconds"] == pytest.approx(2.0, abs=0.25)
    assert open_video(tmp_path / "trimmed" / "prompt.mp4").num_frames == seen["frames"]
    assert not (tmp_path / "as_it_is" / "prompt.mp4").exists()


@pytest.mark.parametrize(
    ("level", "note"), [(0, "the prompt is black from beginning to end"), (120, "nothing moves in the prompt")]
)
def test_an_empty_prompt_is_said_on_the_terminal_and_in_both_reports(level, note, policy, tmp_path, capsys):
    write_video(tmp_path / "empty.mp4", [np.full((48, 48, 3), level, dtype=np.uint8)] * 8, 10.0)
    assert perform(tmp_path / "empty.mp4", policy, tmp_path / "out") == 0
    assert f"note: {note}" in capsys.readouterr().out
    assert report_of(tmp_path / "out")["notes"][0].startswith(note)
    assert note in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(("count", "is_said"), [(0, True), (1, True), (2, False)])
def test_a_prompt_without_a_hand_is_said(count, is_said, policy, tmp_path, capsys, monkeypatch):
    """In fewer than half of the four frames that the policy looks at; it acts all the same."""
    shown = []

    def found(frames):
        shown.extend(image.shape for _, image in frames)
        pixels = np.full((len(shown), 2, 21, 2), np.nan)
        pixels[:count, 0] = 7.0
        return SimpleNamespace(pixels=pixels)

    monkeypatch.setattr(prompt_look, "detect_hands", found)
    monkeypatch.setattr(prompt_look, "find_spec", lambda name: name == "mediapipe")
    monkeypatch.setattr(prompt_look, "has_bundle", lambda: True)
    assert perform(moving(tmp_path / "clip.mp4", width=96), policy, tmp_path / "out") == 0
    note = (
        f"a hand was found in {count} of the 4 frames of the prompt that the policy looks at (their middle square): "
        "it acts on pixels all the same, maybe not as the person meant"
    )
    report = report_of(tmp_path / "out")
    assert (f"note: {note}\n" in capsys.readouterr().out) == is_said
    assert (note in report["notes"]) == is_said
    assert (note in (tmp_path / "out" / "report.html").read_text()) == is_said
    assert (report["seen_in_prompt"]["hand_frames"], report["seen_in_prompt"]["looked_at"]) == (count, 4)
    assert shown == [(SIZE, SIZE, 3)] * 4


def test_no_prompt_is_a_blank_one(policy, tmp_path, capsys):
    assert perform("", policy, tmp_path / "out") == 0
    assert "note: blank prompt" in capsys.readouterr().out
    assert report_of(tmp_path / "out")["seen_in_prompt"] is None


def test_an_unfamiliar_prompt_is_said(tmp_path, capsys):
    folder = write_debug_policy(tmp_path, familiar=False)
    assert perform(moving(tmp_path / "clip.mp4"), folder, tmp_path / "out") == 0
    assert "note: unfamiliar prompt" in capsys.readouterr().out
    report = report_of(tmp_path / "out")
    assert report["familiarity"] == 0
    assert any(note.startswith("unfamiliar prompt") for note in report["notes"])


def weights(change):
    def damage(folder):
        tensors = load_file(folder / "model.safetensors")
        change(tensors)
        save_file(tensors, folder / "model.safetensors")

    return damage


def description(change, file="policy.json"):
    def damage(folder):
        content = json.loads((folder / file).read_text())
        change(content)
        (folder / file).write_text(json.dumps(content))

    return damage


def in_representation(damage):
    return lambda folder: damage(folder.parent / "representation")


def swap_two(content):
    names = content["normalisation"]["names"]
    names[0], names[1] = names[1], names[0]


def of_other_data(content):
    content["normalisation"]["scale"] = [1.5 * scale for scale in content["normalisation"]["scale"]]


def shorten(content):
    for key in ("names", "offset", "scale"):
        content["normalisation"][key].pop()


DAMAGES = {
    "missing key": (weights(lambda t: t.pop("path.bias")), "1 missing keys, such as path.bias"),
    "extra key": (weights(lambda t: t.update(more=torch.ones(1))), "1 unknown keys, such as more"),
    "shape": (weights(lambda t: t.update({"path.bias": torch.ones(2)})), "path.bias is (2,), the model has (19,)"),
    "nan": (weights(lambda t: t["path.bias"].fill_(torch.nan)), "path.bias holds numbers that are not finite"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "model.safetensors: No such file"),
    "empty weights": (lambda f: (f / "model.safetensors").write_bytes(b""), "not a whole safetensors file"),
    "order of names": (description(swap_two), "number 0 is 'y'; in an action of xarm7_xhand it is 'x'"),
    "number of names": (description(shorten), "18 names; an action of xarm7_xhand has 19 numbers"),
    "std zero": (
        description(lambda c: c["normalisation"]["scale"].__setitem__(2, 0)),
        "scale 0: must be finite numbers, scale above 0",
    ),
    "std infinite": (description(lambda c: c["normalisation"]["scale"].__setitem__(2, 1e400)), "scale inf"),
    "another normalisation": (
        description(of_other_data),
        "policy.json: normalisation: has the fingerprint ",
    ),
    "no std": (description(lambda c: c["normalisation"].pop("scale")), "a normalisation needs kind, names, offset"),
    "no normalisation": (description(lambda c: c.pop("normalisation")), "no field 'normalisation'"),
    "step": (description(lambda c: c.update(dt_s="often")), "dt_s 'often': must be a number of seconds above 0"),
    "type": (description(lambda c: c["model"].update(chunk="4")), "model.chunk: '4': must be of type int"),
    "robot": (description(lambda c: c.update(robot="xarm7_gripper")), "trained for xarm7_gripper"),
    "not JSON": (lambda f: (f / "policy.json").write_text("{"), "policy.json: not a policy"),
    "fingerprint": (
        description(lambda c: c["representation"].update(fingerprint="other")),
        "is not the representation that",
    ),
    "other weights of z": (in_representation(weights(lambda t: t["mean"].add_(1))), "is not the representation that"),
    "no z": (lambda f: shutil.rmtree(f.parent / "representation"), "no ../representation, which it was trained with"),
    "no weights of z": (
        in_representation(lambda f: (f / "model.safetensors").unlink()),
        "representation/model.safetensors: No such file",
    ),
    "fields of z": (
        in_representation(description(lambda c: c["sizes"]["pooling"].update(cels=1), "network.json")),
        "unknown field 'cels'",
    ),
}


@pytest.mark.parametrize("case", DAMAGES)
def test_policies_that_are_not_whole(case, own, tmp_path, capsys):
    damage, said = DAMAGES[case]
    damage(own)
    line = refused(capsys, perform(moving(tmp_path / "clip.mp4"), own, tmp_path / "out"))
    assert said in line
    assert str(tmp_path / "own") in line
    assert not (tmp_path / "out").exists()


def test_a_normalisation_is_told_by_its_numbers_and_older_weights_do_not_tell(own, tmp_path):
    def written_otherwise(content):
        for name in ("offset", "scale"):
            content["normalisation"][name] = [
                int(x) if x == int(x) else float(f"{x:.17e}") for x in content["normalisation"][name]
            ]

    description(written_otherwise)(own)
    clip = moving(tmp_path / "clip.mp4")
    assert perform(clip, own, tmp_path / "same") == 0
    description(of_other_data)(own)
    assert perform(clip, own, tmp_path / "other") == 2
    weights(lambda tensors: None)(own)  # written anew without what stands beside them, as folders were before
    assert perform(clip, own, tmp_path / "older") == 0


@pytest.mark.parametrize("case", ["missing key", "order of names", "other weights of z", "not JSON"])
def test_policies_that_are_not_whole_get_no_table(case, own, tmp_path, capsys):
    damage, said = DAMAGES[case]
    damage(own)
    words = ["video_prompt", "--policy", own, "--episodes", 1, "--first-seed", SEED, "--processes", 0]
    words += ["--tasks", TASK, "--prompts", "blank", "--out", tmp_path / "results", "--runs", tmp_path / "runs"]
    code = main(["evaluate", *map(str, words)])
    assert code == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("understudy evaluate: error: ")
    assert said in line or case == "not JSON"
    assert str(own) in line or "representation" in line
    assert not (tmp_path / "results").exists()
    assert not list((tmp_path / "runs").rglob("*.json"))


@pytest.mark.parametrize("size", [(300, 40), (17, 200), (1000, 1000)])
def test_a_scene_of_any_size_will_do(size, policy, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)).save(tmp_path / "scene.png")
    assert imagine(tmp_path, policy, tmp_path / "scene.png") == 0
    assert open_video(tmp_path / "out" / "imagined.mp4").num_frames == 4


def imagine(folder, policy, scene):
    clip = moving(folder / "clip.mp4")
    words = ["--prompt", clip, "--scene", scene, "--model", policy.parent / "representation", "--steps", 1]
    return main(["imagine", *map(str, [*words, "--out", folder / "out" / "imagined.mp4"])])


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: moving(folder / "scene.mp4"), "scene.mp4: not a picture"),
        (lambda folder: folder, "no readable picture"),
        (lambda folder: folder / "none.png", "none.png: no such file"),
        (lambda folder: _picture(folder, (4, 90)), "a picture of 90x4 px: needs sides of at least 16 px"),
    ],
)
def test_scenes_that_are_none(make, said, policy, tmp_path, capsys):
    assert said in refused(capsys, imagine(tmp_path, policy, make(tmp_path)), "imagine")
    assert not (tmp_path / "out").exists()


def _picture(folder, size):
    Image.fromarray(np.zeros((*size, 3), dtype=np.uint8)).save(folder / "small.png")
    return folder / "small.png"
