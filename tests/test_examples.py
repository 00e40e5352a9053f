"""Every example runs as its docstring says; those that need the hand tracker run on a short clip."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("[0-9]*.py"))


def run(monkeypatch, name, *arguments):
    path = next(path for path in EXAMPLES if path.name.startswith(name))
    monkeypatch.setattr(sys, "argv", [str(path), *arguments])
    runpy.run_path(str(path), run_name="__main__")


def test_examples_are_short_and_numbered():
    assert [path.name[:2] for path in EXAMPLES] == [f"{i:02d}" for i in range(len(EXAMPLES))]
    assert all(len(path.read_text().splitlines()) < 80 for path in EXAMPLES)


@pytest.mark.parametrize("robot", ["xarm7_xhand", "xarm7_gripper", "xarm7_allegro"])
def test_retargeting_marks_the_gap(monkeypatch, capsys, robot):
    run(monkeypatch, "01", robot)
    lines = capsys.readouterr().out.splitlines()
    assert sum("NO_HAND" in line for line in lines) == 1
    assert sum("OK" in line for line in lines) >= 8


def test_a_policy_of_your_own_moves_and_fails(monkeypatch, capsys):
    run(monkeypatch, "03")
    assert "success=False" in capsys.readouterr().out


def test_a_pair_is_recorded_and_read_back(monkeypatch, capsys):
    run(monkeypatch, "04")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("1 new pair, ")
    assert any(line.startswith('xarm7_gripper: "press a button"') for line in lines)
    assert lines[-1] == "again: 0 new pairs"
