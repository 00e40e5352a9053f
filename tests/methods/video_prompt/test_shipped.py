"""The weights that come with the package do what their cards say, in a layout of the validation range."""

import pytest

from understudy.evaluation.episode import Turn, run_turn
from understudy.evaluation.rows import contestants
from understudy.evaluation.suites import get_suite

ROBOT, TASK, SEED = "xarm7_xhand", "push", 1_000_501


@pytest.mark.parametrize("prompt", ["right", "wrong"])
def test_the_policy_does_what_it_is_shown(prompt, tmp_path):
    (contestant,) = contestants(get_suite("video_prompt"), ["video_prompt_tiny"], (ROBOT,))
    turn = Turn(contestant, ROBOT, TASK, SEED, prompt)
    episode = run_turn(turn, turn.table(), (TASK, "press_button"), tmp_path)
    assert episode["success"] == (prompt == "right")
    assert episode["asked"]
    assert episode["familiarity"] > 0.05
