"""The recordings of the suite `video_prompt_objects`: a novel object is in people's data, and in no robot's episode."""

import json
from itertools import product

import pytest

from understudy.episodes.reader import EpisodeReader
from understudy.episodes.recording import plan_file
from understudy.episodes.recording.plan import RecordingPlan
from understudy.episodes.recording.slot import features_of, fps_of, stage_slot
from understudy.episodes.writer import EpisodeWriter
from understudy.errors import UnderstudyError
from understudy.simulation.tasks import get_task

PERSON, ROBOT = "human_hand", "xarm7_xhand"
TASKS = ("pick_place", "pour", "push")
SMALL = {"size": 32, "human_size": 32, "points": False}


def record_one(plan, out):
    for who in plan.embodiments:
        with EpisodeWriter.append(out / who, fps_of(plan, who), features_of(plan, who), who) as writer:
            folders = {who: writer.staging_folder / "slot-000000"}
            writer.adopt(stage_slot(plan, 0, folders).folders[who])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(task, familiar or novel) -> folder; the two recordings of every task."""
    root = tmp_path_factory.mktemp("objects")
    untracked = SMALL | {"track": False, "human_frames": 3}
    for task in TASKS:
        record_one(RecordingPlan((task,), (PERSON, ROBOT), **untracked), root / f"{task}-familiar")
        record_one(RecordingPlan((task,), (PERSON,), axis="object_type", **untracked), root / f"{task}-novel")
    return {(task, kind): root / f"{task}-{kind}" for task, kind in product(TASKS, ("familiar", "novel"))}


def things(folder, who):
    """Everything that can be handled in a data set: what it is, its colour and its print."""
    reader = EpisodeReader(folder / who)
    layouts = [reader.episode(i).metadata["layout"] for i in range(reader.num_episodes)]
    assert layouts
    return {(item["kind"], item["colour"], item["pattern"]) for layout in layouts for item in layout["objects"]}


def test_a_novel_object_is_in_no_robot_episode(recorded):
    by_robots = set.union(*(things(recorded[task, "familiar"], ROBOT) for task in TASKS))
    for task in TASKS:
        novel = things(recorded[task, "novel"], PERSON)
        assert not novel & by_robots
        asked = {goal.target for goal in get_task(task).goals(get_task(task).sample_layout(2_000_000, "object_type"))}
        items = get_task(task).sample_layout(2_000_000, "object_type").items
        assert not {(items[name].kind, items[name].colour, items[name].pattern) for name in asked} & by_robots
        assert not (recorded[task, "novel"] / ROBOT).exists()
    for task in TASKS:
        with pytest.raises(UnderstudyError, match=f"on axis 'object_type' with {ROBOT}: held out from training"):
            RecordingPlan((task,), (PERSON, ROBOT), axis="object_type")


def test_people_alone_are_given_the_actions_of_a_robot(tmp_path):
    plan = RecordingPlan(("push",), (PERSON,), axis="object_type", retarget=(ROBOT,), **SMALL)
    record_one(plan, tmp_path)
    reader = EpisodeReader(tmp_path / PERSON)
    assert len(reader.column(f"tracked.action.{ROBOT}", 0)[0]) == 19
    assert f"tracked.action.{ROBOT}" not in features_of(RecordingPlan(("push",), (PERSON,)), PERSON)


def test_a_recording_from_before_a_setting_goes_on(tmp_path):
    plan = RecordingPlan(("push",), (PERSON, ROBOT))
    plan_file.claim_folder(tmp_path, plan)
    path = tmp_path / plan_file.PLAN_FILE
    said = json.loads(path.read_text())
    del said["retarget"]
    path.write_text(json.dumps(said))
    plan_file.claim_folder(tmp_path, plan)
    with pytest.raises(UnderstudyError, match="retarget"):
        plan_file.claim_folder(tmp_path, RecordingPlan(("push",), (PERSON, ROBOT), retarget=("xarm7_gripper",)))
