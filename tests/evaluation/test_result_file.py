"""Result files keep what they were given, quote exact intervals, and documents follow them."""

import json
import subprocess
from dataclasses import replace

import pytest
from scipy.stats import binomtest

from understudy.errors import UnderstudyError
from understudy.evaluation.quote import quoted, stale_documents
from understudy.evaluation.result_file import (
    make_report,
    markdown_table,
    merge_cells,
    rate_cell,
    read_report,
    refuse_other_settings,
    write_report,
)
from understudy.evaluation.statistics import clopper_pearson
from understudy.provenance import current_commit
from understudy.records import EvalCell, EvalReport

CELLS = (
    rate_cell("oracle", 19, 20, column="push", robot="xarm7_xhand", prompt="right"),
    rate_cell("kinematic", 0, 20, column="push", robot="xarm7_xhand", prompt="right"),
    EvalCell("stream", "frame_ms_p50", 0.125),
)


@pytest.mark.parametrize(("successes", "trials"), [(0, 20), (1, 20), (13, 20), (20, 20), (97, 100)])
def test_interval_is_scipys_exact_one(successes, trials):
    expected = binomtest(successes, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 5), (6, 5)])
def test_impossible_counts_are_refused(successes, trials):
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(successes, trials)


def test_a_report_survives_the_disk(tmp_path):
    report = make_report("watch", "understudy evaluate watch", 1.25, CELLS)
    write_report(report, tmp_path / "watch.json")
    assert read_report(tmp_path / "watch.json") == report
    cell = json.loads((tmp_path / "watch.json").read_text())["cells"][0]
    assert (cell["k"], cell["n"], cell["value"]) == (19, 20, 0.95)
    assert "paper" not in cell
    assert not list(tmp_path.glob(".*"))


def test_the_table_shows_counts_and_intervals():
    table = markdown_table(CELLS[:2])
    assert "95% (19/20, 75% to 100%)" in table
    assert "| `kinematic` xarm7_xhand prompt: right | 0% (0/20, 0% to 17%) |" in table


def _report(commit, command, *cells, name="throughput"):
    return EvalReport(name, command, commit, "2026-01-02", "2 cores", 1.0, cells)


def test_merging_replaces_rows_and_metrics_and_keeps_the_rest(tmp_path):
    path = tmp_path / "throughput.json"
    frames = EvalCell("reader", "frames_per_s", 900.0, column="push")
    merge_cells(path, _report("aaaaaaa", "python a.py", EvalCell("tabletop", "step_ratio", 0.7, column="push"), frames))
    faster = EvalCell("tabletop", "step_ratio", 0.9, column="pour")
    other = EvalCell("reader", "wrong_frames", 0.0)
    merge_cells(path, _report("bbbbbbb", "python b.py", faster, other))
    report = read_report(path)
    assert report.cells == (replace(frames, commit="aaaaaaa"), faster, other)
    assert (report.commit, report.command, report.minutes) == ("bbbbbbb", "python a.py && python b.py", 2.0)
    assert "of commit aaaaaaa: `reader` frames_per_s" in path.with_suffix(".md").read_text()


def test_merging_the_same_run_twice_changes_nothing(tmp_path):
    path = tmp_path / "throughput.json"
    first = _report("aaaaaaa", "python a.py", EvalCell("x", "step_ratio", 1.0))
    second = _report("bbbbbbb", "python b.py", EvalCell("y", "step_ratio", 2.0))
    merge_cells(path, first)
    merge_cells(path, second)
    merge_cells(path, second)
    back = merge_cells(path, first)
    assert (back.command, back.minutes) == ("python b.py && python a.py", 2.0)
    assert back.cells == (replace(second.cells[0], commit="bbbbbbb"), first.cells[0])


def test_merging_into_another_table_is_refused(tmp_path):
    merge_cells(tmp_path / "a.json", _report("aaaaaaa", "make a", EvalCell("x", "y", 1.0)))
    with pytest.raises(UnderstudyError, match="faults"):
        merge_cells(tmp_path / "a.json", _report("aaaaaaa", "make a", EvalCell("x", "y", 1.0), name="faults"))


@pytest.mark.parametrize("text", ["{}", "no json", '{"cells": [{"row": "a"}]}'])
def test_a_file_of_another_form_is_refused(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UnderstudyError, match=r"bad\.json"):
        read_report(tmp_path / "bad.json")


def test_documents_are_made_from_result_files(tmp_path):
    write_report(make_report("watch", "c", 1.0, CELLS), tmp_path / "results/watch.json")
    page = "# x\n<!-- table: results/watch.json rows=oracle -->\nold\n<!-- /table -->\nend\n"
    (tmp_path / "README.md").write_text(page)
    stale = stale_documents(tmp_path)
    new = stale[tmp_path / "README.md"]
    assert "19/20" in new
    assert "kinematic" not in new
    assert "old" not in new
    assert quoted(tmp_path, new) == new


def test_a_quoted_table_may_show_the_papers_numbers(tmp_path):
    rate = rate_cell("oracle", 19, 20, column="push", paper=0.5)
    cells = [rate, EvalCell("oracle", "score", 97.0, "push", paper=88.9), EvalCell("other", "score", 3.0, "push")]
    write_report(make_report("watch", "c", 1.0, cells), tmp_path / "results/watch.json")
    table = quoted(tmp_path, "<!-- table: results/watch.json beside=paper -->\n<!-- /table -->")
    assert "| success_rate, `oracle` | 95% (19/20, 75% to 100%); paper 50% |" in table
    assert "| score, `oracle` | 97; paper 88.9 |\n| score, `other` | 3 |" in table
    with pytest.raises(UnderstudyError, match="beside=us; use beside=paper"):
        quoted(tmp_path, "<!-- table: results/watch.json beside=us -->\n<!-- /table -->")


def test_the_page_beside_a_result_file_is_kept_current(tmp_path):
    write_report(make_report("watch", "c", 1.0, CELLS), tmp_path / "results/watch.json")
    assert stale_documents(tmp_path) == {}
    page = tmp_path / "results/watch.md"
    right = page.read_text(encoding="utf-8")
    page.write_text(right.replace("19/20", "18/20"), encoding="utf-8")
    assert stale_documents(tmp_path) == {page: right}
    page.unlink()
    assert stale_documents(tmp_path) == {page: right}


def test_metrics_that_share_columns_have_a_table_each(tmp_path):
    cells = [EvalCell("policy", metric, value, "one_thread") for metric, value in (("chunk_ms", 13.0), ("z_ms", 38.0))]
    write_report(make_report("latency", "c", 1.0, cells), tmp_path / "results/latency.json")
    both = quoted(tmp_path, "<!-- table: results/latency.json -->\n<!-- /table -->")
    assert both.index("chunk_ms:") < both.index("| 13 |") < both.index("z_ms:") < both.index("| 38 |")
    one = quoted(tmp_path, "<!-- table: results/latency.json metrics=z_ms -->\n<!-- /table -->")
    assert "z_ms:" not in one
    assert "| 38 |" in one


def test_a_commit_is_dirty_when_its_code_is(tmp_path):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True)

    assert current_commit(tmp_path) == "unknown"
    git("init", "-q")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("a")
    git("add", ".")
    git("commit", "-q", "-m", "a")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "b.json").write_text("b")
    assert "dirty" not in current_commit(tmp_path)
    (tmp_path / "src" / "a.py").write_text("changed")
    assert current_commit(tmp_path).endswith("-dirty")


def test_cells_of_other_data_do_not_join(tmp_path):
    path, usual = tmp_path / "probes.json", {"--test": "", "--robot": "xarm7_xhand"}
    refuse_other_settings(path, "probe a=b --test data/one", usual)
    write_report(_report("aaa", "probe a=b --test data/one && probe c=d --test data/one --robot xarm7_xhand"), path)
    refuse_other_settings(path, "probe e=f --test data/one --pairs 3", usual)
    with pytest.raises(UnderstudyError, match="holds cells of --test data/one, not data/two: choose another --out"):
        refuse_other_settings(path, "probe e=f --test data/two", usual)
    with pytest.raises(UnderstudyError, match="holds cells of --robot xarm7_xhand, not xarm7_gripper"):
        refuse_other_settings(path, "probe e=f --test data/one --robot xarm7_gripper", usual)
    with pytest.raises(UnderstudyError, match="holds cells of --test data/one, not data/one data/two: choose"):
        refuse_other_settings(path, "probe e=f --test data/one data/two --pairs 3", usual)
