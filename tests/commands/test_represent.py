"""`understudy represent` on a model that has learned nothing: what it writes, and what it refuses."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from tests.episodes.shown_recording import write_shown

from understudy.commands import main
from understudy.evaluation.result_file import read_report
from understudy.methods.video_prompt.network_folder import make_representation, write_representation
from understudy.methods.video_prompt.representation import RepresentationConfig
from understudy.networks.video_diffusion.small import SmallConfig, SmallVideoModel
from understudy.networks.video_diffusion.small_unet import UNetConfig

SIZES = SmallConfig(32, UNetConfig(8, (8, 16), heads=2, blocks=1), (8, 8, 8), prompt_width=8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("represent")
    write_shown(root / "data", layouts=24)
    torch.manual_seed(0)
    pooling = RepresentationConfig(num_frames=4, times=2, cells=2, channels=4)
    representation = make_representation(SmallVideoModel(SIZES), pooling)
    g = torch.Generator().manual_seed(0)
    clips = torch.rand(4, 4, 3, 32, 32, generator=g) * 2 - 1
    representation.fit([representation.features(clips, clips[:, 0])])
    write_representation(root / "model", representation, "none")
    return root


def _run(folder, out, **changes):
    words = {"model": folder / "model", "data": folder / "data", "out": out, "pairs": 30, "steps": 1, "judge-steps": 2}
    given = {name: value if isinstance(value, tuple) else (value,) for name, value in (words | changes).items()}
    return main(["represent", *(str(word) for name, value in given.items() for word in (f"--{name}", *value))])


def test_a_result_file_a_page_a_map_and_a_sheet_a_layer(folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert _run(folder, out, layers=("prompt_tokens", "mid", "up_1")) == 0
    assert "represent.html" in capsys.readouterr().out
    report = read_report(out / "represent.json")
    assert report.name == "represent"
    assert report.command.startswith("understudy represent --model ")
    cells = {(cell.row, cell.metric): cell for cell in report.cells}
    assert len(cells) == len(report.cells)
    arithmetic = [row for row, metric in cells if row.startswith("arithmetic_") and metric == "judged_all_rate"]
    assert arithmetic == ["arithmetic_prompt_tokens", "arithmetic_mid", "arithmetic_up_1"]
    for row in (*arithmetic, "prompt_a", "person_b", "direct"):
        cell = cells[row, "judged_skill_rate"]
        assert cell.n == 30
        assert cell.low <= cell.value == cell.k / 30 <= cell.high
    assert cells["true_videos", "judged_skill_rate"].n == 12
    for metric in ("probe_skill_accuracy", "probe_object_accuracy", "probe_contact_m_p50", "probe_goal_m_p50"):
        assert {cells[row, metric].n for row in ("z", "z_across", "autoencoder_latents", "chance")} == {12}
    page = (out / "represent.html").read_text()
    assert page.count("<svg") == 7
    assert page.count("data:image/png") == 3
    assert all(metric in page for metric in ("probe_goal_m_p50", "judged_robot_rate", "nearest_is_b_rate"))
    assert np.asarray(Image.open(out / "tsne.png")).shape == (2 * 594, 3 * 520, 3)
    assert np.asarray(Image.open(out / "arithmetic_mid.png")).shape == (6 * 5 * 112 + 5 * 14, 300 + 4 * 112, 3)
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ["represent.json", "represent.md", "represent.html", "tsne.png", *(f"{row}.png" for row in arithmetic)]
    )


def test_bad_input_is_one_line_and_writes_nothing(folder, tmp_path, capsys):
    few = write_shown(tmp_path / "few", layouts=8)
    one = write_shown(tmp_path / "one", layouts=20, skills=("push",), first_seed=1_500_000)
    seen = write_shown(tmp_path / "seen", layouts=4, split="train", first_seed=0)
    sealed = write_shown(tmp_path / "sealed", layouts=4, split="test", first_seed=2_000_000)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "network.json").write_text(json.dumps({"format": "none"}))
    for changes, said in (
        ({"model": tmp_path / "nowhere"}, "nowhere: no stage 1 there: give the policy/ folder"),
        ({"model": tmp_path / "broken"}, "not a network"),
        ({"data": few}, "8 layouts in which both succeeded: at least 20 are needed"),
        ({"data": one}, "all 20 layouts show push: record at least two skills"),
        ({"data": seen}, "of the split train, not validation"),
        ({"data": sealed}, "pass --split test"),
        ({"data": tmp_path / "none"}, "none/human_hand: no such data set"),
        ({"split": "train"}, "unknown split 'train': valid: test, validation"),
        ({"layers": "up_9"}, "unknown layer 'up_9'"),
        ({"layers": ("mid", "up_0", "mid")}, "--layers: mid more than once"),
        ({"pairs": 0}, "must be at least 1"),
        ({"pairs": 1000}, "fewer than 1000 pairs"),
        ({"judge-data": folder / "data"}, "is also what the judge is asked about"),
        ({"judge-data": one}, "no layout shows press_button"),
    ):
        assert _run(folder, tmp_path / "out", **changes) == 2, changes
        error = capsys.readouterr().err.strip()
        assert said in error
        assert "\n" not in error
    assert not (tmp_path / "out").exists()
