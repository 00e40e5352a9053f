import numpy as np
import pytest
from tests.episodes.shown_recording import PERSON, PLACES, ROBOT, write_shown

from understudy.episodes.shown_layouts import ShownLayouts, halves
from understudy.errors import UnderstudyError


def _open(*roots, split="validation"):
    return ShownLayouts(roots, ROBOT, split, 32, 4)


def test_a_layout_says_what_was_done_where_and_has_both_clips(tmp_path):
    shown = _open(write_shown(tmp_path / "a", layouts=6, failed=(1,)))
    assert [layout.seed - 1_000_000 for layout in shown.layouts] == [0, 2, 3, 4, 5]
    assert shown.skills == ["press_button", "push"]
    third = shown.layouts[2]
    assert (third.skill, third.target, third.target_row) == ("press_button", "red_cube", 0)
    assert np.allclose(third.contact_xy, (0.45, PLACES[0]))
    assert np.allclose(third.things_xy[third.target_row], third.contact_xy)
    assert np.allclose(shown.layouts[1].goal_xy, (0.55, PLACES[2]))
    person, robot = (shown.clips(name, [0, 2]) for name in (PERSON, ROBOT))
    assert person.shape == robot.shape == (2, 4, 32, 32, 3)
    assert robot[..., 2].mean() > robot[..., 0].mean()
    assert person[..., 0].mean() > person[..., 2].mean()
    assert robot[0, 0, 4, 4, 0] > 200 > robot[0, 0, 24, 24, 0]


def test_halves_share_no_seed_and_have_half_of_every_skill(tmp_path):
    """The same layouts recorded twice fall on the same side."""
    roots = [write_shown(tmp_path / name, layouts=10) for name in "ab"]
    shown = _open(*roots)
    first = halves(shown.layouts)
    seeds = np.array([layout.seed for layout in shown.layouts])
    assert not set(seeds[first]) & set(seeds[~first])
    assert first.sum() == 10
    for skill in shown.skills:
        of_skill = np.array([layout.skill == skill for layout in shown.layouts])
        assert {(first & of_skill).sum(), (~first & of_skill).sum()} == {4, 6}


@pytest.mark.parametrize("skills", [("push", "press_button"), ("push", "press_button", "pour", "hold", "flip_cup")])
def test_tasks_on_the_same_seeds_are_halved_together(tmp_path, skills):
    shown = _open(*(write_shown(tmp_path / skill, layouts=12, skills=(skill,)) for skill in skills))
    first = halves(shown.layouts)
    seeds = np.array([layout.seed for layout in shown.layouts])
    assert len(set(seeds[first])) == len(set(seeds[~first])) == 6
    assert not set(seeds[first]) & set(seeds[~first])
    for skill in skills:
        assert first[[layout.skill == skill for layout in shown.layouts]].sum() == 6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"split": "train", "first_seed": 0}, "of the split train, not validation: what was learned from says nothing"),
        ({"split": "test", "first_seed": 2_000_000}, "of the split test, not validation: .* pass --split test"),
        ({"goal": False}, "episode 0 does not say what was done where"),
        ({"failed": range(4)}, "no layout in which both succeeded"),
    ],
)
def test_recordings_that_do_not_do_are_named(tmp_path, changes, said):
    root = write_shown(tmp_path / "a", layouts=4, **changes)
    with pytest.raises(UnderstudyError, match=said):
        _open(root)


def test_a_recording_without_the_robot_is_named(tmp_path):
    with pytest.raises(UnderstudyError, match="human_hand: no such data set"):
        _open(tmp_path)


def test_data_sets_of_other_layouts_are_no_pair(tmp_path):
    root = write_shown(tmp_path / "a", layouts=4)
    other = write_shown(tmp_path / "b", layouts=4, first_seed=1_000_004)
    (root / ROBOT).rename(root / "away")
    (other / ROBOT).rename(root / ROBOT)
    with pytest.raises(UnderstudyError, match="episode 0 is not the pair"):
        _open(root)
