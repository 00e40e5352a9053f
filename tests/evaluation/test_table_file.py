"""One table a file: rows of other runs join it, tables that were measured otherwise do not."""

import pytest

from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import read_report
from understudy.evaluation.suites import get_suite
from understudy.evaluation.table_file import refuse_other_table, table_name, write_table
from understudy.records import EvalCell, EvalReport

SUITE = get_suite("first_policies")
EVALUATE = "understudy evaluate first_policies"
GRIPPER, XHAND = "xarm7_gripper", "xarm7_xhand"


def report(*cells, command=EVALUATE, name="first_policies", commit="aaaaaaa"):
    return EvalReport(name, command, commit, "2026-01-02", "2 cores", 1.0, cells)


def rate(row, value, robot=GRIPPER, column="push", metric="success_rate", prompt="right"):
    return EvalCell(row, metric, value, column, robot, prompt)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "first_policies.json"


@pytest.mark.parametrize(
    ("axis", "first_seed", "name"),
    [
        (None, 2_000_000, "first_policies"),
        (None, 2_200_000, "first_policies"),
        (None, 1_000_000, "first_policies_validation"),
        ("position", 2_000_000, "first_policies_position"),
        ("position", 1_000_500, "first_policies_position_validation"),
        (None, 7, "first_policies_train"),
    ],
)
def test_only_test_seeds_have_the_plain_name(axis, first_seed, name):
    assert table_name("first_policies", axis, first_seed) == name


def test_a_run_of_one_row_replaces_its_tasks_and_what_compares_it(path):
    kept = [rate("a", 0.1), rate("b", 0.2, XHAND), rate("a_minus_c", 0.3), rate("b", 0.35, column="pick_place")]
    kept.append(rate("b@pick_place", 0.36, column="kept_50", metric="followed_rate"))
    gone = [
        rate("b", 0.4),
        rate("b", 0.5, column="all"),
        rate("b", 50.0, metric="score", prompt="blank"),
        rate("b@push", 0.55, column="kept_50", metric="followed_rate"),
        rate("b_minus_a", 0.6, metric="success_rate_difference"),
        rate("a_minus_b", 0.7, metric="success_rate_difference"),
    ]
    write_table(path, report(*kept, *gone), SUITE, [])
    new = report(rate("b", 0.8), command=f"{EVALUATE} --policy b", commit="bbbbbbb")
    written = write_table(path, new, SUITE, [("b", GRIPPER, "push")])
    assert written == read_report(path)
    assert [(cell.row, cell.robot, cell.value, cell.commit) for cell in written.cells] == [
        ("a", GRIPPER, 0.1, "aaaaaaa"),
        ("b", XHAND, 0.2, "aaaaaaa"),
        ("a_minus_c", GRIPPER, 0.3, "aaaaaaa"),
        ("b", GRIPPER, 0.35, "aaaaaaa"),
        ("b@pick_place", GRIPPER, 0.36, "aaaaaaa"),
        ("b", GRIPPER, 0.8, None),
    ]
    assert written.command == f"{EVALUATE} && {EVALUATE} --policy b"


@pytest.mark.parametrize(
    "options",
    [
        "",
        "--policy 'my row=a folder/policy' oracle",
        "--robots xarm7_xhand --row-episodes kinematic 3 --row-prompts kinematic right,moved",
        "--episodes 100 --first-seed 2000000",
        "--tasks press_button push pick_place",
    ],
)
def test_other_rows_and_defaults_spelt_out_are_the_same_table(path, options):
    refuse_other_table(path, SUITE, f"{EVALUATE} {options}")
    write_table(path, report(rate("a", 0.1), command=f"{EVALUATE} --policy oracle"), SUITE, [])
    refuse_other_table(path, SUITE, f"{EVALUATE} {options}")


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (
            "",
            "--first-seed 2000100",
            "with --first-seed 2000000, this run has --first-seed 2000100: pass",
        ),
        ("", "--episodes 5", "with --episodes 100, this run has --episodes 5: pass the same, choose another --out"),
        ("--episodes 5", "", "with --episodes 5, this run has --episodes 100"),
        ("", "--tasks push", "with --tasks pick_place press_button push, this run has --tasks push"),
        ("--prompts right", "--policy oracle", "with --prompts right, this run has no --prompts"),
        (f"--policy oracle && {EVALUATE} --prompts moved right", "--prompts right", "this run has --prompts right"),
    ],
)
def test_another_table_is_refused_and_the_line_says_what_to_pass(path, was, now, message):
    write_table(path, report(rate("a", 0.1), command=f"{EVALUATE} {was}"), SUITE, [])
    with pytest.raises(UnderstudyError, match=message) as caught:
        refuse_other_table(path, SUITE, f"{EVALUATE} {now}")
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_the_report_of_something_else_is_refused(path):
    write_table(path, report(rate("a", 0.1), name="faults", command="python benchmarks/faults.py"), SUITE, [])
    with pytest.raises(UnderstudyError, match="'faults', not 'first_policies'"):
        refuse_other_table(path, SUITE, EVALUATE)
