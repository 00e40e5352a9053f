"""Rows by name and by folder; another checkpoint is another row of episodes."""

import json

import pytest

from understudy.errors import UnderstudyError, UnknownName
from understudy.evaluation.rows import contestants, fingerprint
from understudy.evaluation.suites import SUITES, get_suite
from understudy.methods import LEARNED, POLICIES
from understudy.simulation.tasks import TASKS

SUITE = get_suite("first_policies")
GRIPPER, XHAND = SUITE.robots


def policy(folder, weights=b"1", method="video_decoder", robot=GRIPPER):
    folder.mkdir()
    (folder / "policy.json").write_text(json.dumps({"method": method, "robot": robot}))
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_rows_are_named_after_their_method_or_as_asked(tmp_path):
    first, second = policy(tmp_path / "a"), policy(tmp_path / "b", b"2")
    rows = contestants(SUITE, [f"{first},long={second}", "oracle", "kinematic"], SUITE.robots)
    assert [row.row for row in rows] == ["video_decoder", "long", "oracle", "kinematic"]
    assert [row.robots for row in rows] == [(GRIPPER,), (GRIPPER,), SUITE.robots, SUITE.robots]
    assert [row.truth for row in rows] == [False, False, True, False]
    assert len({row.key for row in rows}) == 4


def test_other_weights_have_another_key(tmp_path):
    folder = policy(tmp_path / "a")
    before = contestants(SUITE, [str(folder)], SUITE.robots)[0].key
    assert contestants(SUITE, [str(folder)], SUITE.robots)[0].key == before
    (folder / "model.safetensors").write_bytes(b"3")
    assert contestants(SUITE, [str(folder)], SUITE.robots)[0].key != before


def test_bytes_that_change_files_change_the_fingerprint(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, contents in ((one, {"a": "xy", "b": "z"}), (other, {"a": "x", "b": "yz"})):
        folder.mkdir()
        for name, text in contents.items():
            (folder / name).write_text(text)
    assert fingerprint(one) != fingerprint(other)


def test_a_card_changes_no_fingerprint(tmp_path):
    (tmp_path / "policy.json").write_text("{}")
    before = fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("# What this policy is")
    assert fingerprint(tmp_path) == before


def test_a_row_may_have_a_policy_for_each_task(tmp_path):
    push, press = policy(tmp_path / "a"), policy(tmp_path / "b", b"2")
    rows = contestants(SUITE, [f"full@push={push}", f"full@press_button={press}", "oracle"], SUITE.robots)
    assert [(row.row, row.task) for row in rows] == [("full", "push"), ("full", "press_button"), ("oracle", None)]
    with pytest.raises(UnknownName, match=r"juggle.*pick_place"):
        contestants(SUITE, [f"full@juggle={push}"], SUITE.robots)


def test_what_cannot_be_a_row_is_named(tmp_path):
    with pytest.raises(UnknownName, match="oracle"):
        contestants(SUITE, ["nonsense"], SUITE.robots)
    with pytest.raises(UnknownName, match=GRIPPER):
        contestants(SUITE, ["oracle"], ["arm"])
    with pytest.raises(UnderstudyError, match="My Row"):
        contestants(SUITE, ["My Row=oracle"], SUITE.robots)
    folder = policy(tmp_path / "a", robot=XHAND)
    with pytest.raises(UnderstudyError, match=XHAND):
        contestants(SUITE, [str(folder)], [GRIPPER])
    (folder / "policy.json").write_text("{}")
    with pytest.raises(UnderstudyError, match=r"policy\.json.*method"):
        contestants(SUITE, [str(folder)], SUITE.robots)


@pytest.mark.parametrize("name", SUITES)
def test_suites_name_what_there_is(name):
    suite = get_suite(name)
    assert suite.name == name
    assert set(suite.tasks) <= set(TASKS)
    assert set(suite.methods) <= set(LEARNED)
    assert set(suite.rows) <= {*POLICIES, "oracle"}
    assert set(suite.row_prompts) | set(suite.row_episodes) <= set(suite.rows)
    assert all(row in suite.rows + suite.methods + suite.named_rows for row, _ in suite.paper)
