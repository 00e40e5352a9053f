"""A whole suite with policies that cost nothing: cells, resuming, and a page that needs no network."""

import json
import re
from dataclasses import replace

import pytest

from understudy.errors import UnderstudyError, UnknownName
from understudy.evaluation import episode as episode_module
from understudy.evaluation import replays
from understudy.evaluation.episode import EPISODE_FIELDS
from understudy.evaluation.result_file import read_report
from understudy.evaluation.run_suite import SuiteOptions, plan, run_suite
from understudy.evaluation.suites import get_suite

TASK, ROBOT, SEED = "press_button", "xarm7_gripper", 1_000_000
PROMPTS = ("right", "wrong", "blank", "moved")


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    folder = tmp_path_factory.mktemp("suite")
    return SuiteOptions(
        policies=("by_heart", "still"),
        episodes=1,
        first_seed=SEED,
        robots=(ROBOT,),
        tasks=(TASK,),
        out=folder / "results",
        runs=folder / "runs",
        processes=0,
        films=False,
    )


@pytest.fixture(scope="module", autouse=True)
def fakes(named_fakes):
    """Rows by name."""


@pytest.fixture(scope="module")
def report(options, fakes):
    return run_suite("first_policies", options)


def cell(report, row, prompt, metric="success_rate"):
    return next(c for c in report.cells if (c.row, c.prompt, c.metric, c.column) == (row, prompt, metric, TASK))


def test_the_result_file_holds_every_prompt(report, options):
    assert read_report(options.out / "first_policies_validation.json") == report
    assert not (options.out / "first_policies.json").exists()
    prompts = {c.prompt for c in report.cells if c.metric == "success_rate"}
    assert prompts == {"right", "wrong_labelled", "wrong_prompted", "blank", "moved"}
    assert report.command.startswith("understudy evaluate first_policies --policy by_heart still --robots")
    assert {c.seed for c in report.cells} == {SEED}


def test_success_is_counted_for_the_row_that_has_it(report):
    assert (cell(report, "by_heart", "right").k, cell(report, "still", "right").k) == (1, 0)
    assert cell(report, "by_heart", "right", "label_success_rate").k == 1
    # It does the labelled task whatever it is told: that is what the wrong prompt is to bring out.
    assert (cell(report, "by_heart", "wrong_labelled").k, cell(report, "by_heart", "wrong_prompted").k) == (1, 0)
    assert cell(report, "by_heart", "blank").k == 0
    gap = next(c for c in report.cells if (c.row, c.metric) == ("by_heart", "prompt_use_gap"))
    assert gap.value == 0
    difference = next(c for c in report.cells if c.row == "by_heart_minus_still" and c.prompt == "right")
    assert (difference.metric, difference.value) == ("success_rate_difference", 1.0)


def test_words_do_not_know_that_objects_moved(report, options):
    root = options.runs / "first_policies" / "episodes" / ROBOT / "by_heart-built_in" / TASK
    right, moved = (json.loads((root / prompt / f"{SEED}.json").read_text()) for prompt in ("right", "moved"))
    assert right == moved


def test_finished_episodes_are_not_run_again(report, options, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("run again")

    monkeypatch.setattr(episode_module, "run_turn", refuse)
    again = run_suite("first_policies", options)
    assert again.cells == report.cells


def test_a_row_by_itself_joins_the_table(report, options):
    alone = run_suite("first_policies", replace(options, policies=("first=by_heart",)))
    assert {c.row for c in alone.cells} == {c.row for c in report.cells} | {"first"}
    assert set(report.cells) < set(alone.cells)
    (options.out / "first_policies_validation.json").unlink()
    assert run_suite("first_policies", options).cells == report.cells


def test_another_table_is_refused_before_anything_is_run(report, options, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("run")

    monkeypatch.setattr(episode_module, "run_turn", refuse)
    before = (options.out / "first_policies_validation.json").read_text()
    with pytest.raises(UnderstudyError, match="holds a table with --episodes 1, this run has --episodes 2"):
        run_suite("first_policies", replace(options, episodes=2))
    assert (options.out / "first_policies_validation.json").read_text() == before


def test_a_lost_episode_is_run_again_and_comes_out_the_same(report, options):
    path = options.runs / "first_policies" / "episodes" / ROBOT / "by_heart-built_in" / TASK / "right" / f"{SEED}.json"
    before = json.loads(path.read_text())
    path.unlink()
    assert run_suite("first_policies", options).cells == report.cells
    after = json.loads(path.read_text())
    assert {**before, "seconds": 0} == {**after, "seconds": 0}


def test_an_episode_of_an_older_form_is_run_again(report, options):
    path = options.runs / "first_policies" / "episodes" / ROBOT / "still-built_in" / TASK / "right" / f"{SEED}.json"
    before = json.loads(path.read_text())
    assert before.keys() == EPISODE_FIELDS
    older = {name: value for name, value in before.items() if name not in ("mis_grasp", "familiarity")}
    path.write_text(json.dumps(older))
    assert run_suite("first_policies", options).cells == report.cells
    assert json.loads(path.read_text()).keys() == EPISODE_FIELDS


def test_a_damaged_episode_is_named(report, options):
    path = options.runs / "first_policies" / "episodes" / ROBOT / "still-built_in" / TASK / "right" / f"{SEED}.json"
    text = path.read_text()
    path.write_text("{")
    with pytest.raises(UnderstudyError, match=str(path)):
        run_suite("first_policies", options)
    path.write_text(text)


def test_the_page_shows_the_best_and_the_worst_and_needs_nothing_from_outside(report, options, monkeypatch):
    monkeypatch.setattr(replays, "_SIZE", 32)
    monkeypatch.setattr(replays, "_COUNTS", {"right": (1, 1)})
    run_suite("first_policies", replace(options, films=True))
    page = (options.runs / "first_policies" / "first_policies_validation.html").read_text(encoding="utf-8")
    assert page.count("<video") == page.count('src="data:video/mp4;base64,') == 2
    assert page.count("did it") == page.count(">not_approached</span>") == 1
    assert "ended otherwise" not in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert set(re.findall(r"https?://[^\s\"<>]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert "not separated" in page
    assert "by_heart-built_in" in page


def test_every_episode_has_a_file_of_its_own(options):
    first = plan(get_suite("first_policies"), options)
    assert [turn.prompt for turn in first] == [*PROMPTS, *PROMPTS]
    assert len({turn.path(options.runs) for turn in first}) == len(first)


def test_what_cannot_be_planned_is_said(options):
    suite = get_suite("first_policies")
    for change, words in (
        ({"episodes": 0}, "at least 1"),
        ({"first_seed": 1_999_999, "episodes": 2}, "split"),
        ({"tasks": ("juggle",)}, "juggle"),
        ({"prompts": ("backwards",)}, "backwards"),
        ({"row_episodes": {"nobody": 3}}, "nobody"),
        ({"row_prompts": {"nobody": "right"}}, "nobody"),
        ({"row_prompts": {"still": "right,backwards"}}, "backwards"),
        ({"row_prompts": {"still": ""}}, "prompt ''"),
        ({"row_prompts": {"still": "moved"}, "prompts": ("right",)}, "prompt 'moved'.*right"),
    ):
        with pytest.raises(UnderstudyError, match=words):
            plan(suite, replace(options, **change))
    with pytest.raises(UnknownName, match="watch"):
        run_suite("nonsense", options)


def test_slow_rows_get_the_first_layouts_of_all(options):
    wide = replace(options, episodes=4, row_episodes={"still": 2}, prompts=("right",))
    turns = plan(get_suite("first_policies"), wide)
    seeds = {row: [turn.seed - SEED for turn in turns if turn.contestant.row == row] for row in ("by_heart", "still")}
    assert seeds == {"by_heart": [0, 1, 2, 3], "still": [0, 1]}


def test_some_rows_get_fewer_prompts(options):
    some = replace(options, episodes=1, prompts=(), row_prompts={"still": "wrong,right"})
    turns = plan(get_suite("first_policies"), some)
    prompts = {row: [turn.prompt for turn in turns if turn.contestant.row == row] for row in ("by_heart", "still")}
    assert prompts["still"] == ["right", "wrong"]
    assert prompts["by_heart"] == list(PROMPTS)


def test_a_row_with_a_policy_for_one_task_meets_that_task_alone(options):
    suite = get_suite("first_policies")
    both = replace(options, policies=("row@push=still", "row@press_button=by_heart"), tasks=(), prompts=("right",))
    found = {(turn.task, turn.contestant.policy) for turn in plan(suite, both)}
    assert found == {("push", "still"), ("press_button", "by_heart")}
    with pytest.raises(UnderstudyError, match="nothing to run: no row for pick_place"):
        plan(suite, replace(both, tasks=("pick_place",)))


def test_the_layouts_of_a_suite_may_lie_on_an_axis(options):
    suite = get_suite("video_prompt_objects")
    turns = plan(suite, replace(options, policies=("oracle",), robots=(), tasks=(), prompts=()))
    assert {turn.axis for turn in turns} == {"object_type"}
    assert {turn.task for turn in turns} == {"pick_place", "pour", "push"}


def test_replay_gets_fewer_prompts_unless_they_are_asked_for(options):
    suite = get_suite("first_policies")
    usual = plan(suite, replace(options, policies=("oracle", "still"), robots=()))
    found = {(turn.contestant.row, turn.robot): [] for turn in usual}
    for turn in usual:
        found[turn.contestant.row, turn.robot].append(turn.prompt)
    assert found["oracle", ROBOT] == ["right", "wrong", "moved"]
    assert found["still", ROBOT] == list(PROMPTS)
    assert found["oracle", "xarm7_xhand"] == found["still", "xarm7_xhand"] == ["right"]
    asked = plan(suite, replace(options, policies=("oracle",), prompts=("camera_turned", "right")))
    assert [turn.prompt for turn in asked] == ["right", "camera_turned"]


def test_axes_of_a_suite_are_met_with_their_own_prompts(options):
    suite = replace(get_suite("first_policies"), axes=("position",), axis_prompts=("right",))
    wide = replace(options, policies=("oracle",), prompts=())
    turns = plan(suite, wide)
    prompts = {axis: {turn.prompt for turn in turns if turn.axis == axis} for axis in (None, "position")}
    assert prompts["position"] == {"right"}
    assert prompts[None] > {"right"}
    assert {turn.axis for turn in plan(replace(suite, axes=()), replace(wide, axis="scene"))} == {"scene"}
