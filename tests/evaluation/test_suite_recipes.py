"""The recipes of `docs/video_prompt_suites.md`, pasted into one shell, train and evaluate what they say they do."""

import re
import shlex
import subprocess
from dataclasses import replace
from itertools import pairwise, takewhile
from pathlib import Path

import pytest

from understudy.evaluation.suites import get_suite
from understudy.methods.experiments import get_experiment
from understudy.methods.settings import with_settings

ALONE = ("together", "without_things", "without_painting", "shipped")
"""Rows with one policy for all tasks of their suites."""
ROOT = Path(__file__).parents[2]
SUITES = ("video_prompt_objects", "video_prompt_skills", "video_prompt_human_demos", "video_prompt_ablations")


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """Word lists of every `understudy`, all recipes run twice in one shell."""
    text = (ROOT / "docs" / "video_prompt_suites.md").read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    stub = "understudy() { printf '%q ' \"$@\"; echo; }\npython() { :; }\n"
    done = subprocess.run(
        ["bash", "-eu", "-c", f"{stub}{blocks}\n{blocks}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path_factory.mktemp("recipes"),
    )
    return [shlex.split(line) for line in done.stdout.splitlines()]


def policies(commands, suite):
    """(row, task, folder) of each time that a suite is evaluated; rows without a folder left out."""
    runs = [words for words in commands if words[:2] == ["evaluate", suite]]
    return [re.findall(r"(\w+)(?:@(\w+))?=(\S+)", " ".join(words)) for words in runs]


def trained(commands):
    """Folder of the policy -> (experiment, the other words)."""
    found = {}
    for _, name, *words in (command for command in commands if command[0] == "train"):
        out = words[words.index("--out") + 1] if "--out" in words else f"runs/{name}"
        found[f"{out}/policy"] = name, words
    return found


@pytest.mark.parametrize("suite", SUITES)
def test_a_recipe_gives_every_row_and_can_be_pasted_again(commands, suite):
    first, again = policies(commands, suite)
    assert first == again
    assert {row for row, _, _ in first} == set(get_suite(suite).named_rows)
    counts = {}
    for row, task, _ in first:
        counts.setdefault(row, []).append(task)
    of_its_own = {"human_240": ["push"], "human_300": ["hold"]} | {row: [""] for row in ALONE}
    every_task = [""] * 3 if suite == "video_prompt_ablations" else sorted(get_suite(suite).tasks)
    assert all(sorted(its) == of_its_own.get(row, every_task) for row, its in counts.items())
    assert {folder for _, _, folder in first} <= {*trained(commands), "video_prompt_tiny"}


def test_recipes_train_what_there_is(commands):
    assert all(get_experiment(name).name == name for name, _ in trained(commands).values())


def settings_of(words):
    name, words = words
    at = [place for place, word in enumerate(words) if word == "--set"]
    chosen = [list(takewhile(lambda word: not word.startswith("--"), words[place + 1 :])) for place in at]
    return with_settings(get_experiment(name), [word for words in chosen for word in words])


def test_settings_are_known_and_rows_differ_in_what_they_are_called_after(commands):
    all_of_them = {folder: settings_of(words) for folder, words in trained(commands).items()}
    rows = {
        row: all_of_them[folder]
        for row, task, folder in policies(commands, "video_prompt_skills")[0]
        if task in ("push", "")
    }
    full = rows["full"]
    assert (full.painted_robot, full.model.things, full.model.clocked, full.by_clock) == (0.5, 12, 1.0, True)
    assert full.linear_plan
    together = rows["together"]
    assert replace(together, changes=()) == replace(full, changes=())
    still = replace(together, model=replace(together.model, things=0))
    assert replace(still, changes=()) == replace(rows["without_things"], changes=())
    assert replace(rows["without_painting"], painted_robot=0.5, changes=together.changes) == together
    alone = rows["robot_only"]
    assert (alone.painted_robot, alone.model.things, alone.by_clock, alone.linear_plan) == (0.0, 12, True, True)
    assert rows["language_robot_human"].by_clock


def test_minutes_and_losses_are_those_that_the_tables_say(commands):
    def of(suite, row):
        return [trained(commands)[folder] for its, _, folder in policies(commands, suite)[0] if its == row]

    def minutes(words):
        return next(float(value) for flag, value in pairwise(words) if flag == "--minutes")

    assert {minutes(words) for _, words in of("video_prompt_ablations", "end_to_end")} == {6}
    assert {minutes(words) for _, words in of("video_prompt_ablations", "end_to_end_long")} == {18}
    assert {minutes(words) for _, words in of("video_prompt_ablations", "cross_prediction_60")} == {6}
    each = policies(commands, "video_prompt_ablations")[0]
    clocks = [settings_of(trained(commands)[folder]) for _, _, folder in each]
    assert {(its.by_clock, its.model.clocked, its.acted.shift) for its in clocks} == {(True, 1.0, 0)}
    for row, _, folder in each:
        if few := re.fullmatch(r"robot_(\d+)(_\w+)?", row):
            name, words = trained(commands)[folder]
            assert (minutes(words), name.endswith("end_to_end")) == ((18, True) if "end" in row else (6, False))
            assert re.findall(r"data/objects/(\w+)@(\w+):(\d+)", " ".join(words)) == [
                (task, task, few[1]) for task in ("pick_place", "pour", "push")
            ]
            assert settings_of((name, words)).people == ("people" in row)
            assert ("data/objects/push_novel" in words) == ("people" in row)
    stage1, words = trained(commands)["runs/ablations/stage1_tiny_p1/policy"]
    assert (stage1, minutes(words)) == ("video_prompt_stage1_tiny_p1", 12)
    with_pdcp = {
        row: {get_experiment(name).losses.pdcp is not None for name, _ in of("video_prompt_human_demos", row)}
        for row in get_suite("video_prompt_human_demos").named_rows
    }
    assert with_pdcp.pop("human_0") == {False}
    assert set(map(tuple, with_pdcp.values())) == {(True,)}
