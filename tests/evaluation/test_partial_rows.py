"""Rows with a policy for each task: counted once, compared over like tasks, told other goals of their own task."""

import json
import re
from dataclasses import replace

import pytest

from understudy.errors import UnderstudyError
from understudy.evaluation.episode import Turn
from understudy.evaluation.replays import choose
from understudy.evaluation.rows import Contestant
from understudy.evaluation.run_suite import SuiteOptions, _jobs, plan, run_suite
from understudy.evaluation.suites import get_suite
from understudy.evaluation.summary import Table, summarise

SEED, ROBOT = 1_000_000, "xarm7_xhand"
HUMANS = "video_prompt_human_demos"
KEPT = {
    "success": False,
    "ever": False,
    "asked": False,
    "label": False,
    "by_words": False,
    "score": 30.0,
    "failure": "short",
    "mis_grasp": None,
    "familiarity": None,
    "detail": "",
    "steps": 9,
    "seconds": 1.0,
    "shown": None,
    "commit": "aaaaaaa",
}


@pytest.fixture(autouse=True)
def fakes(named_fakes):
    """Policies by name."""


@pytest.fixture
def options(tmp_path):
    return SuiteOptions(
        episodes=1,
        first_seed=SEED,
        robots=(ROBOT,),
        prompts=("right", "moved"),
        out=tmp_path / "results",
        runs=tmp_path / "runs",
        processes=0,
        films=False,
    )


def finished(suite, options, *policies):
    """Run a suite whose episodes are all there: those of the policy `by_heart` went well."""
    chosen = replace(options, policies=policies)
    for turn in plan(get_suite(suite), chosen):
        path = turn.path(options.runs / suite)
        path.parent.mkdir(parents=True, exist_ok=True)
        good = dict.fromkeys(("success", "ever", "asked", "label"), turn.contestant.policy == "by_heart")
        path.write_text(json.dumps(KEPT | good))
    return run_suite(suite, chosen)


def rates(report):
    cells = [c for c in report.cells if (c.metric, c.prompt) == ("success_rate", "right")]
    return {(c.row, c.column): c.value for c in cells}


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        (("full=still", "full@push=still"), "row full: still twice for push: each checkpoint counts once"),
        (("still", "still"), "row still: still twice for push"),
        (("full=still", "full@push=by_heart"), "checkpoints: 2 for push, 1 for hold, 1 for press_button; give as many"),
        (("full@push=still", "full@push=by_heart", "full@hold=still"), "checkpoints: 2 for push, 1 for hold; give"),
    ],
)
def test_rows_whose_checkpoints_do_not_add_up_are_refused_before_anything_is_run(options, policies, message):
    with pytest.raises(UnderstudyError, match=message) as caught:
        run_suite(HUMANS, replace(options, policies=policies))
    assert "\n" not in str(caught.value)


def test_as_many_checkpoints_for_each_task_are_training_seeds(options):
    words = [f"full@{task}={policy}" for task in ("push", "hold") for policy in ("still", "by_heart")]
    report = finished(HUMANS, options, *words)
    found = {(c.column, c.k, c.n) for c in report.cells if (c.metric, c.prompt) == ("success_rate", "right")}
    assert found == {("push", 1, 2), ("hold", 1, 2)}
    plan(get_suite(HUMANS), replace(options, policies=("full=still", "full@push=by_heart"), tasks=("push",)))


def test_a_row_without_all_tasks_has_no_column_over_all(options):
    report = finished(HUMANS, options, "full@push=by_heart", "full@hold=still", "oracle")
    assert set(rates(report)) == {("full", "push"), ("full", "hold")} | {
        ("oracle", column) for column in ("push", "hold", "press_button", "all")
    }
    assert not [c for c in report.cells if c.column == "all" and "full" in c.row]


def test_all_is_of_the_tasks_that_were_asked_for(options):
    report = finished(HUMANS, replace(options, tasks=("push", "hold")), "full@push=by_heart", "full@hold=still")
    assert rates(report)["full", "all"] == 0.5


def test_columns_of_an_axis_are_over_all_tasks_too():
    suite = replace(get_suite("video_prompt"), axes=("scene",))
    whole, part = Contestant("whole", "a", (ROBOT,)), Contestant("part", "b", (ROBOT,), task="push")
    turns = [Turn(one, ROBOT, "push", SEED, "right", axis) for one in (whole, part) for axis in (None, "scene")]
    turns += [Turn(whole, ROBOT, "hold", SEED, "right", axis) for axis in (None, "scene")]
    cells = summarise(Table(suite, SEED, dict.fromkeys(turns, KEPT), ("push", "hold")))
    assert {c.row for c in cells if c.column == "scene"} == {"whole"}


def test_tasks_that_were_run_before_stay_in_the_file(options):
    finished(HUMANS, options, "full@push=by_heart", "full@hold=still", "full@press_button=still")
    report = finished(HUMANS, options, "full@hold=by_heart")
    assert rates(report) == {("full", "push"): 1.0, ("full", "press_button"): 0.0, ("full", "hold"): 1.0}
    assert {c.column for c in report.cells} == {"push", "hold", "press_button"}, "what was over all tasks is gone"


def test_a_policy_of_one_task_is_shown_other_goals_of_that_task(options):
    suite = get_suite("video_prompt_skills")
    words = [f"full@{task}=still" for task in suite.tasks]
    turns = plan(suite, replace(options, policies=(*words, "wide=still"), prompts=("wrong",)))
    tasks = {turn: job.tasks for job in _jobs(turns, suite, options.runs) for turn in job.turns}
    assert {tasks[turn] for turn in turns if turn.contestant.row == "wide"} == {suite.tasks}
    assert all(tasks[turn] == (turn.task,) for turn in turns if turn.contestant.row == "full")
    assert len({turn.path(options.runs) for turn in turns}) == len(turns), "other prompts are other episodes"
    films = choose(Table(suite, SEED, dict.fromkeys(turns, KEPT), suite.tasks), options.runs)
    assert {film.tasks for film in films if film.turn.contestant.row == "full"} <= {(task,) for task in suite.tasks}
    assert {film.turn.contestant.row for film in films} == {"full", "wide"}


def test_page_and_figure_show_what_the_file_holds(options):
    finished(HUMANS, options, "human_0=still", "human_300=by_heart")
    report = finished(HUMANS, options, *(f"human_40@{task}=by_heart" for task in get_suite(HUMANS).tasks))
    assert ("human_40", "all") in rates(report)
    folder, name = options.runs / HUMANS, f"{HUMANS}_validation"
    figure = (folder / f"{name}-{ROBOT}.svg").read_text(encoding="utf-8")
    assert figure.count("<circle") == 3 * 3 * 2, "three rows, three skills, right and moved; no line of `all`"
    assert "human_40, hold, moved: 100%" in figure
    assert "all:" not in figure
    page = (folder / f"{name}.html").read_text(encoding="utf-8")
    assert re.search(r"<td>human_0</td><td>xarm7_xhand</td><td>right</td>", page)
    assert "human_0 − human_300" in page
    assert "human_40: a policy for each task, so that a wrong prompt shows another goal of that task" in page
