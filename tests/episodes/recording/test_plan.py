"""Plans refuse what cannot be recorded, and give every episode seeds of its own, in one split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.episodes.recording.plan import RecordingPlan, first_seed_of
from understudy.errors import UnderstudyError
from understudy.simulation.seeds import SEEDS, split_of

PAIR = ("human_hand", "xarm7_gripper")
SLOTS = st.integers(0, 99_999)


def plan(**changes):
    return RecordingPlan(**{"tasks": ("push",), "embodiments": PAIR, "track": False} | changes)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"tasks": ("pull",)}, "unknown task 'pull'"),
        ({"embodiments": ("xarm7_griper",)}, "did you mean 'xarm7_gripper'"),
        ({"embodiments": ("xarm7_allegro",)}, "unknown embodiment that does push 'xarm7_allegro'"),
        ({"tasks": ("push", "push")}, "name each of them once"),
        ({"tasks": ()}, "none"),
        ({"size": 97}, "image size 97 px"),
        ({"human_size": 4096}, "human image size 4096 px"),
        ({"human_fps": 3}, "3 frames a second"),
        ({"human_frames": 5, "track": True}, "5 frames of each clip"),
        ({"disturb": 0.9}, "share of disturbed steps 0.9"),
        ({"sideways": -0.1, "tasks": ("pick_place",)}, "share of steps pushed sideways -0.1"),
        ({"sideways": 0.2}, "in push nothing is taken from above"),
        ({"sideways": 0.2, "tasks": ("pick_place",)}, "the one robot must be xarm7_xhand"),
        ({"sideways": 0.2, "tasks": ("pick_place",), "embodiments": PAIR[:1]}, "the one robot must be xarm7_xhand"),
        ({"first_seed": 3_000_000}, "seed 3000000"),
        ({"axis": "position"}, "held out"),
        ({"axis": "sideways", "first_seed": 1_000_000}, "sideways"),
        ({"aligned": True, "embodiments": ("xarm7_gripper",)}, "human_hand and one robot"),
        ({"aligned": True, "handedness": "any"}, "right hand"),
        ({"retarget": ("xarm7_hand",), "track": True}, "did you mean 'xarm7_xhand'"),
        ({"retarget": ("xarm7_xhand",)}, "actions of xarm7_xhand: are made of a tracked human_hand"),
        ({"retarget": ("xarm7_xhand",), "track": True, "embodiments": PAIR[1:]}, "record both"),
    ],
)
def test_what_cannot_be_recorded_is_one_clear_line(changes, line):
    with pytest.raises(UnderstudyError) as caught:
        plan(**changes)
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


@given(SLOTS, SLOTS, st.sampled_from(sorted(SEEDS)))
def test_every_episode_has_seeds_of_its_own_in_the_split(slot, other, split):
    wanted = plan(first_seed=SEEDS[split].start)
    seeds = list(wanted.seeds(slot))
    assert len(set(seeds)) == len(seeds)
    assert {split_of(seed) for seed in seeds} == {split}
    if slot != other:
        assert not set(seeds) & set(wanted.seeds(other))


def test_seeds_at_the_end_of_a_split_do_not_leave_it():
    last = SEEDS["train"].stop - 1
    assert {split_of(seed) for slot in range(3) for seed in plan(first_seed=last).seeds(slot)} == {"train"}


def test_tasks_take_turns():
    wanted = plan(tasks=("push", "press_button"))
    assert [wanted.task(slot) for slot in range(4)] == ["push", "press_button", "push", "press_button"]


def test_a_first_seed_must_lie_in_its_split():
    assert first_seed_of("validation", None) == SEEDS["validation"].start
    assert first_seed_of("train", 17) == 17
    with pytest.raises(UnderstudyError, match="lies in the test range"):
        first_seed_of("train", SEEDS["test"].start)
