"""A whole run of a suite with a curve, by a policy that costs nothing and says how familiar its prompt is."""

import json

import pytest

from understudy.evaluation.run_suite import SuiteOptions, run_suite

SEED, ROBOT, SUITE = 1_000_000, "xarm7_xhand", "video_prompt_human_demos"


@pytest.fixture(autouse=True)
def familiar(named_fakes, still, monkeypatch):
    monkeypatch.setattr(still, "familiarity", 0.25)


def test_a_run_leaves_its_figure_and_what_familiarity_says(tmp_path):
    options = SuiteOptions(
        policies=("human_0=still", "human_40@press_button=still"),
        episodes=1,
        first_seed=SEED,
        tasks=("press_button",),
        prompts=("right",),
        out=tmp_path / "results",
        runs=tmp_path / "runs",
        processes=0,
        films=False,
    )
    report = run_suite(SUITE, options)
    name = f"{SUITE}_validation"
    assert (tmp_path / "runs" / SUITE / f"{name}-{ROBOT}.svg").read_text(encoding="utf-8").count("<circle") == 2
    page = (tmp_path / "runs" / SUITE / f"{name}.html").read_text(encoding="utf-8")
    assert "Success over human demonstrations of the skill" in page
    assert "Familiar prompts: human_40@press_button" in page
    medians = {(c.row, c.prompt): c.value for c in report.cells if c.metric == "familiarity_p50"}
    curves = ("human_0", "human_40@press_button")
    assert medians == {(row, prompt): 0.25 for row in curves for prompt in ("right", "any")}
    assert not [cell for cell in report.cells if cell.metric == "mis_grasp_rate"], "buttons have no near neighbours"
    (kept,) = (tmp_path / "runs" / SUITE / "episodes" / ROBOT).glob(f"still-built_in/press_button/right/{SEED}.json")
    episode = json.loads(kept.read_text())
    assert (episode["familiarity"], episode["mis_grasp"], episode["failure"]) == (0.25, None, "not_approached")
