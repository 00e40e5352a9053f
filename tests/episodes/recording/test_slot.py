"""One episode in all embodiments: what failed is replaced by another layout, and counted."""

from fractions import Fraction

import numpy as np
import pytest

from understudy.episodes.recording import slot as slot_module
from understudy.episodes.recording.plan import TRIES, RecordingPlan
from understudy.episodes.recording.recorded import RecordedEpisode
from understudy.episodes.recording.slot import Failure, features_of, fps_of, stage_slot
from understudy.episodes.staged_episode import load_staged
from understudy.errors import UnderstudyError

ROBOT, STRIDE, SLOT = "xarm7_gripper", 100_000, 7
SIZE, NUM_FRAMES = 16, 3


def plan(**changes):
    options = {"size": SIZE, "human_size": SIZE, "track": False, "points": False}
    return RecordingPlan(("push",), ("human_hand", ROBOT), **(options | changes))


@pytest.fixture
def world(monkeypatch):
    """Nothing is simulated: the robot fails in the seeds that the returned set holds."""
    failing = set()

    def episode(wanted, name, seed, success):
        features = features_of(wanted, name).items()
        columns = {c: np.zeros((NUM_FRAMES, *f.shape), f.dtype) for c, f in features if not f.is_video}
        frames = np.zeros((NUM_FRAMES, SIZE, SIZE, 3), dtype=np.uint8)
        failure = "" if success else "dropped"
        return RecordedEpisode(columns, frames, "push it", {"seed": seed, "success": success}, success, failure)

    monkeypatch.setattr(
        slot_module, "record_robot", lambda wanted, slot, seed, robot: episode(wanted, robot, seed, seed not in failing)
    )
    monkeypatch.setattr(
        slot_module, "record_person", lambda wanted, slot, seed, leader: episode(wanted, "human_hand", seed, True)
    )
    return failing


def seeds_of(wanted, staged):
    return {
        name: load_staged(folder, Fraction(fps_of(wanted, name)), features_of(wanted, name)).metadata["seed"]
        for name, folder in staged.folders.items()
    }


def test_all_embodiments_do_the_layout_of_the_same_seed(world, tmp_path):
    wanted = plan()
    staged = stage_slot(wanted, SLOT, {name: tmp_path / name for name in wanted.embodiments})
    assert seeds_of(wanted, staged) == {"human_hand": SLOT, ROBOT: SLOT}
    assert staged.num_frames == 2 * NUM_FRAMES
    assert staged.failures == ()


def test_a_layout_in_which_the_expert_fails_is_replaced_for_all(world, tmp_path):
    world |= {SLOT, SLOT + STRIDE}
    wanted = plan()
    staged = stage_slot(wanted, SLOT, {name: tmp_path / name for name in wanted.embodiments})
    assert seeds_of(wanted, staged) == {"human_hand": SLOT + 2 * STRIDE, ROBOT: SLOT + 2 * STRIDE}
    assert staged.failures == tuple(Failure("push", seed, ROBOT, "dropped") for seed in (SLOT, SLOT + STRIDE))


def test_failures_are_kept_if_asked_for(world, tmp_path):
    world |= {SLOT}
    wanted = plan(keep_failures=True)
    staged = stage_slot(wanted, SLOT, {ROBOT: tmp_path / ROBOT})
    assert seeds_of(wanted, staged) == {ROBOT: SLOT}
    assert len(staged.failures) == 1


def test_an_expert_that_fails_everywhere_stops_the_recording(world, tmp_path):
    world |= {SLOT + attempt * STRIDE for attempt in range(TRIES)}
    with pytest.raises(UnderstudyError, match=f"failed in all {TRIES} seeds of episode {SLOT}"):
        stage_slot(plan(), SLOT, {ROBOT: tmp_path / ROBOT})
    assert list(tmp_path.iterdir()) == []
