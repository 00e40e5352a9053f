"""Cells of several training seeds count layouts, not seeds; page and result file judge differences alike."""

from dataclasses import replace

import pytest
from scipy.stats import binomtest

from understudy.evaluation.episode import Turn
from understudy.evaluation.result_file import make_report, markdown_page, markdown_table
from understudy.evaluation.rows import Contestant
from understudy.evaluation.suite_page import write_suite_page
from understudy.evaluation.suites import get_suite
from understudy.evaluation.summary import Table, summarise
from understudy.provenance import code_commit

TASK, ROBOT, FIRST = "push", "xarm7_gripper", 1_000_000
SUITE = get_suite("first_policies")


def table(solved, num_layouts, prompts=("right",), commits=("aaaaaaa",), by_words=False):
    """`solved`: row -> for every training seed how many layouts it solves, the first ones."""
    episodes = {}
    for row, counts in solved.items():
        for number, count in enumerate(counts):
            contestant = Contestant(row, f"{row}{number}", (ROBOT,), fingerprint=str(number))
            for layout in range(num_layouts):
                for prompt in prompts:
                    good = layout < count
                    episodes[Turn(contestant, ROBOT, TASK, FIRST + layout, prompt)] = {
                        **dict.fromkeys(("success", "ever", "asked", "label"), good),
                        **{"score": 100.0 * good, "by_words": by_words, "failure": "" if good else "short"},
                        **{"steps": 9, "commit": commits[layout % len(commits)], "shown": None, "detail": ""},
                    }
    return Table(SUITE, FIRST, episodes)


def cell(cells, row, metric):
    return next(c for c in cells if (c.row, c.metric) == (row, metric))


@pytest.mark.parametrize("metric", ["success_rate", "label_success_rate"])
@pytest.mark.parametrize("solved", [0, 12, 20])
def test_three_seeds_that_agree_are_no_sixty_trials(metric, solved):
    found = cell(summarise(table({"words": [solved] * 3}, 20, by_words=True)), "words", metric)
    assert (found.k, found.n) == (3 * solved, 60)
    exact = binomtest(solved, 20).proportion_ci(0.95, method="exact")
    assert found.low <= exact.low + 1e-9
    assert found.high >= exact.high - 1e-9


def test_cells_name_the_commits_that_ran_their_episodes():
    old, both = (summarise(table({"a": [3], "b": [1]}, 6, commits=c)) for c in (["ccccccc"], ["ccccccc", "bbbbbbb"]))
    assert {c.commit for c in old} == {"ccccccc"}
    assert {c.commit for c in both} == {"bbbbbbb, ccccccc"}
    report = make_report("first_policies", "c", 1.0, [replace(old[0], commit=code_commit()), old[1]])
    assert [c.commit for c in report.cells] == [None, "ccccccc"]
    assert "of commit ccccccc: `a` score" in markdown_page(report)


@pytest.mark.parametrize(("better", "separated"), [(5, False), (9, True)])
@pytest.mark.parametrize("seeds", [1, 3])
def test_page_and_markdown_agree_on_what_is_separated(tmp_path, better, separated, seeds):
    """5 of 20 episodes are outside of the bootstrap's interval, and p is 1/16."""
    counts = table({"good": [better] * seeds, "poor": [0] * seeds}, 20)
    cells = summarise(counts)
    difference = cell(cells, "good_minus_poor", "success_rate_difference")
    assert difference.p == pytest.approx(2 / 2**better)
    assert difference.low > 0
    assert ("not separated" not in markdown_table([difference])) == separated
    write_suite_page(counts, make_report("first_policies", "c", 1.0, cells), [], tmp_path / "page.html")
    assert ("not separated" not in (tmp_path / "page.html").read_text(encoding="utf-8")) == separated


def test_the_papers_rate_and_score_stand_beside_ours(tmp_path):
    suite = replace(SUITE, paper={("a", TASK): 0.56}, paper_score={("a", TASK): 81.5})
    counts = replace(table({"a": [2], "b": [1]}, 4, prompts=("right", "moved")), suite=suite)
    report = make_report("first_policies", "c", 1.0, summarise(counts))
    theirs = {(c.row, c.prompt, c.metric): c.paper for c in report.cells if c.paper is not None}
    assert theirs == {("a", "right", "success_rate"): 0.56, ("a", "right", "score"): 81.5}
    section = markdown_page(report).partition("## beside the paper")[2]
    assert f"| success_rate, `a` {ROBOT} prompt: right | 50% (2/4, 7% to 93%); paper 56% |" in section
    assert f"| score, `a` {ROBOT} prompt: right | 50; paper 81.5 |" in section
    assert "`b`" not in section
    write_suite_page(counts, report, [], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<td>success_rate</td><td>50% (2/4, 7% to 93%)</td><td>56%</td>" in page
    assert "<td>score</td><td>50</td><td>81.5</td>" in page


def test_axes_are_columns_of_their_own_over_all_tasks():
    usual = table({"a": [4]}, 10)
    suite = replace(SUITE, axes=("position", "scene"))
    others = {replace(turn, axis="scene"): e | {"success": False} for turn, e in usual.episodes.items()}
    found = Table(suite, FIRST, {**usual.episodes, **others})
    assert found.columns == (TASK, "scene")
    rates = {c.column: (c.k, c.n) for c in summarise(found) if c.metric == "success_rate"}
    assert rates == {TASK: (4, 10), "scene": (0, 10)}
