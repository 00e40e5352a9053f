"""The parts of `understudy represent` on z whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.episodes.shown_recording import PERSON, ROBOT, write_shown

from understudy.episodes.shown_layouts import ShownLayout, ShownLayouts, halves
from understudy.errors import UnderstudyError
from understudy.evaluation.analogies import MadeVideos, analogies, judge_cells, nearest_cells, teach_judge
from understudy.evaluation.embedding_maps import episode_maps, plane, time_maps
from understudy.evaluation.representation_probes import probe_cells
from understudy.evaluation.scatter import Scatter, by_class, by_value, scatter_svg, write_scatters
from understudy.methods.video_prompt.embedding import (
    KINDS,
    PERSON_TO_PERSON,
    PERSON_TO_ROBOT,
    ROBOT_TO_ROBOT,
    Embedding,
    embed,
)
from understudy.methods.video_prompt.network_folder import make_representation
from understudy.methods.video_prompt.representation import LATENTS, RepresentationConfig
from understudy.networks.image_encoder import to_float
from understudy.networks.video_diffusion.small import SmallConfig, SmallVideoModel
from understudy.networks.video_diffusion.small_unet import UNetConfig

SKILLS, TIMES, PARTS = ("flip_cup", "pour", "push"), 2, 12


def _layouts(tmp_path, count=60):
    rng = np.random.default_rng(0)
    found = []
    for index in range(count):
        things = rng.uniform(-0.2, 0.2, (4, 2))
        skill, row = SKILLS[index % 3], int(rng.integers(4))
        goal = things[row] + 0.1
        found.append(
            ShownLayout(
                tmp_path, index, 100 + index, skill, f"{skill} it", f"thing_{row}", things[row], goal, things, row
            )
        )
    return found


def _embedding(layouts, shift=3.0):
    """z = what is done and where, linearly mixed, plus a constant for a robot's scene."""
    rng = np.random.default_rng(1)
    mix, shifts = rng.normal(size=(6, TIMES * PARTS)), rng.normal(size=TIMES * PARTS)
    facts = np.array([[*(np.array(SKILLS) == one.skill), *(10 * one.contact_xy), one.target_row] for one in layouts])
    person = facts @ mix + 0.01 * rng.normal(size=(len(layouts), TIMES * PARTS))
    z = {PERSON_TO_ROBOT: person + shift * shifts, ROBOT_TO_ROBOT: person + shift * shifts, PERSON_TO_PERSON: person}
    noise = {kind: rng.normal(size=(len(layouts), 5)) for kind in KINDS}
    return Embedding(z, noise, TIMES)


def _values(cells):
    return {(cell.row, cell.metric): cell for cell in cells}


def test_probes_read_off_what_is_there_and_nothing_from_noise(tmp_path):
    layouts = _layouts(tmp_path)
    train = halves(layouts)
    cells = _values(probe_cells(_embedding(layouts), layouts, train, ROBOT))
    held = int((~train).sum())
    for row in ("z", "z_across"):
        assert cells[row, "probe_skill_accuracy"].k == held
        assert cells[row, "probe_target_accuracy"].k == held
        assert cells[row, "probe_contact_m_p50"].value < 0.005
        assert cells[row, "probe_goal_m_p50"].value < 0.005
    assert cells["autoencoder_latents", "probe_skill_accuracy"].value < 0.7
    assert cells["autoencoder_latents", "probe_contact_m_p50"].value > 0.06
    assert cells["autoencoder_latents", "probe_target_accuracy"].value < 0.6
    assert cells["chance", "probe_skill_accuracy"].value == pytest.approx(1 / 3)
    assert cells["chance", "probe_target_accuracy"].value == pytest.approx(1 / 4)
    assert cells["chance", "probe_contact_m_p50"].value > 0.06
    assert all(cell.n == held for cell in cells.values())


def test_too_little_to_probe_is_said(tmp_path):
    layouts = _layouts(tmp_path, 12)
    with pytest.raises(UnderstudyError, match="12 layouts: probes need at least 20"):
        list(probe_cells(_embedding(layouts), layouts, halves(layouts), ROBOT))


def test_pairs_are_held_out_of_two_skills_and_use_every_layout(tmp_path):
    layouts = _layouts(tmp_path)
    held = ~halves(layouts)
    pairs = analogies(layouts, held, 45)
    assert len({(pair.a, pair.b) for pair in pairs}) == 45
    assert all(held[pair.a] and held[pair.b] and layouts[pair.a].skill != layouts[pair.b].skill for pair in pairs)
    uses = np.bincount([pair.b for pair in pairs], minlength=60)[held]
    assert set(uses) == {1, 2}
    with pytest.raises(UnderstudyError, match="fewer than 100000 pairs"):
        analogies(layouts, held, 100_000)


def test_sums_of_z_find_b_where_a_robot_is_a_constant_shift(tmp_path):
    layouts = _layouts(tmp_path)
    held = ~halves(layouts)
    pairs = analogies(layouts, held, 40)
    cells = _values(nearest_cells(_embedding(layouts), pairs, held, ROBOT))
    assert cells["arithmetic_z", "nearest_is_b_rate"].k == 40
    assert cells["person_b_z", "nearest_is_b_rate"].value < 0.9
    assert cells["chance", "nearest_is_b_rate"].value == pytest.approx(1 / 29)
    one_pair, many = (
        _values(nearest_cells(_embedding(layouts), analogies(layouts, held, count), held, ROBOT)) for count in (30, 600)
    )
    few, twenty = (cells["arithmetic_z", "nearest_is_b_rate"] for cells in (one_pair, many))
    assert (few.k, twenty.k) == (30, 600)
    assert twenty.low == pytest.approx(few.low), "pairs of the same 30 layouts add no trials"
    scrambled = _embedding(layouts)
    scrambled.z[PERSON_TO_PERSON][:] = np.random.default_rng(2).normal(size=(60, TIMES * PARTS))
    assert _values(nearest_cells(scrambled, pairs, held, ROBOT))["arithmetic_z", "nearest_is_b_rate"].value < 0.5


def test_what_is_near_in_z_is_near_on_the_map(tmp_path):
    rng = np.random.default_rng(3)
    centres = rng.normal(0, 5, (3, 20))
    of = np.arange(60) % 3
    xy = plane(centres[of] + rng.normal(0, 0.3, (60, 20)))
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2) + 1e6 * np.eye(60)
    assert (of[apart.argmin(1)] == of).all()
    layouts = _layouts(tmp_path)
    episodes, times = episode_maps(_embedding(layouts), layouts), time_maps(_embedding(layouts), layouts)
    assert [len(one.xy) for one in episodes] == [180] * 3
    assert [len(one.xy) for one in times] == [180 * TIMES] * 3
    assert "flip_cup it" in episodes[0].words[0]
    assert times[2].runs.shape == (180, TIMES)


def test_dots_land_in_the_picture_in_their_colours(tmp_path):
    xy = np.array([[0.0, 0.0], [10.0, 0.0], [5.0, 4.0]])
    colours, legend = by_class(["b", "a", "b"])
    assert [name for name, _ in legend] == ["a", "b"]
    assert colours[0] == colours[2] != colours[1]
    ramp, marks = by_value(np.array([0.0, 0.5, 1.0]), "m")
    assert len(set(ramp)) == 3
    assert marks[0][0] == "0 m"
    scatter = Scatter("<kinds>", xy, colours, legend, ["<one>", "two", "three"], np.array([[0, 2]]))
    svg = scatter_svg(scatter)
    assert svg.count("<circle") == 3
    assert "&lt;one&gt;" in svg
    write_scatters([scatter, scatter], 2, tmp_path / "maps.png")
    pixels = np.asarray(Image.open(tmp_path / "maps.png")).astype(int)
    for left in (0, 520):
        x, y = scatter.places(520, 520, 16)[1] + (left, 74)
        wanted = [int(colours[1][i : i + 2], 16) for i in (1, 3, 5)]
        assert np.abs(pixels[round(y), round(x)] - wanted).max() < 12


@pytest.fixture
def shown(tmp_path):
    return ShownLayouts([write_shown(tmp_path / "data", layouts=24)], ROBOT, "validation", 32, 4)


def test_latents_are_made_into_numbers_as_z_is(shown):
    """As the ablation without a video model makes them, with components of the training half's persons."""
    torch.manual_seed(0)
    model = SmallVideoModel(SmallConfig(32, UNetConfig(8, (8, 16), heads=2, blocks=1), (8, 8, 8), prompt_width=8))
    pooling = RepresentationConfig(num_frames=4, times=2, cells=2, channels=3)
    train = halves(shown.layouts)
    person, robot = (to_float(torch.from_numpy(shown.clips(name, range(len(shown))))) for name in (PERSON, ROBOT))
    of_z = make_representation(model, pooling)
    of_z.fit([of_z.features(person, robot[:, 0])])
    found = embed(of_z, shown, train)
    assert {latents.shape for latents in found.latents.values()} == {(24, 2 * 2**2 * 3)}
    learned = found.latents[PERSON_TO_ROBOT][train].reshape(-1, 3)
    assert np.allclose(learned.mean(0), 0, atol=1e-4)
    assert np.allclose(learned.std(0, ddof=1), 1, atol=1e-3)
    alone = make_representation(model, replace(pooling, taps=(LATENTS,)))
    alone.fit([alone.features(person, robot[:, 0])[torch.from_numpy(train)]])
    for kind, clips in ((PERSON_TO_ROBOT, person), (ROBOT_TO_ROBOT, robot)):
        assert np.allclose(found.latents[kind], alone(clips, robot[:, 0]).numpy(), atol=1e-3)


def test_a_judge_of_true_videos_tells_skill_target_and_who(shown):
    torch.manual_seed(0)
    model = SmallVideoModel(SmallConfig(32, UNetConfig(8, (8, 16), heads=2), (8, 8, 8), prompt_width=8)).eval()
    held = ~halves(shown.layouts)
    pairs = analogies(shown.layouts, held, 12)
    judge = teach_judge(shown, np.flatnonzero(~held).tolist(), shown.skills, model, 300)
    b = [pair.b for pair in pairs]
    videos = {
        "right": to_float(torch.from_numpy(shown.clips(ROBOT, b))),
        "by_a_person": to_float(torch.from_numpy(shown.clips(PERSON, b))),
        "prompt_a": to_float(torch.from_numpy(shown.clips(ROBOT, [pair.a for pair in pairs]))),
    }
    cells = _values(judge_cells(judge, MadeVideos(videos, []), shown, pairs, shown.skills, held))
    assert cells["true_videos", "judged_all_rate"].value > 0.8
    assert cells["right", "judged_all_rate"].value > 0.8
    assert cells["by_a_person", "judged_robot_rate"].value < 0.2
    assert cells["prompt_a", "judged_skill_rate"].value < 0.2
    assert cells["right", "psnr_db"].value > 50 > cells["prompt_a", "psnr_db"].value
    assert cells["chance", "judged_skill_rate"].value == 0.5
    assert cells["chance", "judged_object_rate"].value == pytest.approx(1 / 3)
