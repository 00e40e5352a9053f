"""Result files have one form: docs, reports and later tables read them alike."""

import json
import re
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from understudy.evaluation.quote import stale_documents
from understudy.evaluation.suites import SUITES, get_suite
from understudy.records import EvalCell, EvalReport

ROOT = Path(__file__).parents[1]
RESULTS = sorted((ROOT / "results").glob("*.json"))
HEAD = {field.name for field in fields(EvalReport)}
CELL = {field.name for field in fields(EvalCell)}
ALWAYS = {"row", "metric", "value"}
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_the_head_says_how_it_was_made(path):
    report = json.loads(path.read_text(encoding="utf-8"))
    assert set(report) == HEAD
    assert report["name"] == path.stem
    assert re.match(r"([A-Z_]+=\S+ )*(understudy|python|make) ", report["command"])
    assert re.fullmatch(r"[0-9a-f]{7,40}(-dirty)?", report["commit"])
    assert date.fromisoformat(report["date"]) <= date.today()
    assert "cores" in report["machine"]
    assert report["minutes"] > 0
    assert report["cells"]
    assert path.with_suffix(".md").is_file()


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_every_cell_is_a_number_with_its_place(path):
    places = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert set(cell) >= ALWAYS
        assert set(cell) <= CELL
        names = [cell[key] for key in ("row", "metric", "column", "robot") if key in cell]
        row, _, task = names[0].partition("@")  # familiarity is of one policy, and a row may have one for each task
        assert all(SNAKE.fullmatch(name) for name in (row, task or row, *names[1:])), names
        assert isinstance(cell["value"], int | float)
        if "k" in cell:
            assert cell["value"] == pytest.approx(cell["k"] / cell["n"])
            assert 0 <= cell["low"] <= cell["value"] <= cell["high"] <= 1
        places.append(tuple(cell.get(key) for key in ("row", "metric", "column", "robot", "prompt", "seed")))
    assert len(set(places)) == len(places), "the same cell twice"


def test_pages_and_quoted_tables_are_what_the_files_say():
    stale = [page.relative_to(ROOT).as_posix() for page in stale_documents(ROOT)]
    assert stale == [], "run: python -m understudy.evaluation.quote"


@pytest.mark.parametrize("path", [path for path in RESULTS if path.stem in SUITES], ids=lambda path: path.stem)
def test_the_papers_numbers_are_those_of_the_suite(path):
    suite = get_suite(path.stem)
    theirs = {"success_rate": suite.paper, "score": suite.paper_score}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        wanted = theirs.get(cell["metric"], {}) if cell.get("prompt") == "right" else {}
        assert cell.get("paper") == wanted.get((cell["row"], cell.get("column"))), cell
