"""What is recorded for training and what for tests have nothing in common that must be held out."""

from contextlib import ExitStack

import numpy as np
import pytest

from understudy.episodes.reader import EpisodeReader
from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.slot import features_of, fps_of, stage_slot
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError
from understudy.simulation.axes import HELD_OUT_OBJECT_X, NOVEL_KINDS
from understudy.simulation.looks import sample_looks
from understudy.simulation.people import sample_person
from understudy.simulation.seeds import SEEDS, TEST, TRAIN, VALIDATION

PERSON, ROBOT = "human_hand", "xarm7_gripper"
PAIR = (PERSON, ROBOT)
RECORDINGS = {
    "train": (TRAIN.start, None, PAIR, 1),
    "train_novel": (TRAIN.start + 500, "object_type", (PERSON,), 1),
    "validation": (VALIDATION.start, None, (PERSON,), 1),
    "test": (TEST.start, None, (PERSON,), 1),
    "test_position": (TEST.start, "position", PAIR, 1),
    "test_novel": (TEST.start, "object_type", (ROBOT,), 1),
    "test_person": (TEST.start, "unseen_person", (PERSON,), 1),
}
"""First seed, axis, embodiments, episodes."""
LEARNED_FROM = ("train", "train_novel", "validation")


def plan_of(name):
    seed, axis, embodiments, _ = RECORDINGS[name]
    small = {"size": 32, "human_size": 32, "human_frames": 4, "track": False, "points": False}
    return RecordingPlan(("push",), embodiments, first_seed=seed, axis=axis, **small)


def record_here(plan, out, episodes):
    """As `record` does it, without processes."""
    with ExitStack() as stack:
        writers = {
            who: stack.enter_context(EpisodeWriter.append(out / who, fps_of(plan, who), features_of(plan, who), who))
            for who in plan.embodiments
        }
        for slot in range(episodes):
            folders = {who: writer.staging_folder / f"slot-{slot:06d}" for who, writer in writers.items()}
            for who, folder in stage_slot(plan, slot, folders).folders.items():
                writers[who].adopt(folder)


@pytest.fixture(scope="module")
def readers(tmp_path_factory):
    root = tmp_path_factory.mktemp("splits")
    for name, (*_, episodes) in RECORDINGS.items():
        record_here(plan_of(name), root / name, episodes)
    return {
        (name, who): EpisodeReader(root / name / who)
        for name, (_, _, embodiments, _) in RECORDINGS.items()
        for who in embodiments
    }


def metadata(readers, names, embodiments=PAIR):
    return [
        reader.episode(i).metadata
        for (name, who), reader in readers.items()
        if name in names and who in embodiments
        for i in range(reader.num_episodes)
    ]


def start_x(readers, names):
    """x of every object in the first row of every episode [m]."""
    rows = []
    for (name, _), reader in readers.items():
        for i in range(reader.num_episodes if name in names else 0):
            count = len(reader.episode(i).metadata["objects"])
            rows += list(reader.column("truth.objects", i)[0].reshape(-1, 7)[:count, 0])
    return np.array(rows)


def hand_length(reader, index):
    """Distance from the wrist over the middle finger's joints to its tip [m]: all that keypoints tell of a person."""
    chain = reader.column("truth.keypoints", index)[0].reshape(21, 3)[[0, 9, 10, 11, 12]]
    return np.linalg.norm(np.diff(chain, axis=0), axis=1).sum()


def test_seeds_and_layouts_of_the_test_are_in_nothing_that_is_learned_from(readers):
    tests = [name for name in RECORDINGS if name not in LEARNED_FROM]
    learned, held_out = metadata(readers, LEARNED_FROM), metadata(readers, tests)
    for about in learned + held_out:
        assert about["seed"] in SEEDS[about["split"]]
    assert {about["split"] for about in learned} == {"train", "validation"}
    assert {about["split"] for about in held_out} == {"test"}
    assert not {about["seed"] for about in learned} & {about["seed"] for about in held_out}

    def places(about):
        return tuple(sorted((item["name"], *item["xy"]) for item in about["layout"]["objects"]))

    assert not {places(about) for about in learned} & {places(about) for about in held_out}
    by_split = [{about["seed"] for about in metadata(readers, [name])} for name in ("train", "validation", "test")]
    assert len(set.union(*by_split)) == sum(map(len, by_split))


def test_positions_that_are_held_out_are_in_the_test_alone(readers):
    low, high = HELD_OUT_OBJECT_X
    held_out = start_x(readers, ["test_position"])
    assert len(held_out) == 6
    assert np.all((low - 0.003 < held_out) & (held_out < high + 0.003))
    assert np.all(start_x(readers, LEARNED_FROM) > high + 0.02)


def test_novel_objects_are_in_people_s_data_and_never_in_robots(readers):
    def kinds(names, embodiments):
        return {i["kind"] for about in metadata(readers, names, embodiments) for i in about["layout"]["objects"]}

    assert kinds(LEARNED_FROM, (ROBOT,)) <= {"cube", "cylinder"}
    assert kinds(["train_novel"], (PERSON,)) <= set(NOVEL_KINDS)
    assert kinds(["test_novel"], (ROBOT,)) <= set(NOVEL_KINDS)
    for axis in ("object_type", "position"):
        with pytest.raises(UnderstudyError, match=f"on axis '{axis}' with {ROBOT}: held out from training"):
            RecordingPlan(("push",), (ROBOT,), axis=axis, track=False)


def test_people_and_looks_of_the_test_are_in_nothing_else(readers):
    def people(names):
        return [sample_person(about["seed"], axis=about["axis"]) for about in metadata(readers, names, (PERSON,))]

    def looks(names):
        return [sample_looks(about["seed"], about["axis"]) for about in metadata(readers, names)]

    for part in ("skin_rgb", "sleeve_rgb"):
        pools = [{getattr(body, part) for body in people(names)} for names in (LEARNED_FROM, ["test"], ["test_person"])]
        assert len(set.union(*pools)) == sum(map(len, pools))
    for part in ("table", "wall"):
        learned, held_out = ({getattr(look, part) for look in looks(n)} for n in (LEARNED_FROM, ["test"]))
        assert not learned & held_out
    # The film's truth is of that person: finger bones grow with the hand.
    unseen, common = readers["test_person", PERSON], readers["test", PERSON]
    for i, (body, other) in enumerate(zip(people(["test_person"]), people(["test"]), strict=True)):
        ratio = hand_length(unseen, i) / hand_length(common, i)
        assert ratio == pytest.approx(body.hand_length_m / other.hand_length_m, rel=1e-4)
