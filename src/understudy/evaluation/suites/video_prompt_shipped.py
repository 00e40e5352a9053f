"""Suite `video_prompt_shipped`: the shipped policies of `video_prompt` alone, in more layouts of every task.

`video_prompt` holds rows of Table 1 against each other, with every prompt and on every axis, in few layouts a task.
Here a task has enough of them for an interval of its own.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITE"]

SUITE = Suite(
    name="video_prompt_shipped",
    rows=("kinematic", "oracle"),
    methods=("video_prompt",),
    robots=("xarm7_xhand",),
    tasks=("pick_place", "push", "press_button", "pour", "flip_cup"),
    prompts=("right", "wrong", "blank"),
    episodes=100,
    row_prompts={"kinematic": ("right",), "oracle": ("right",)},
    row_episodes={"kinematic": 10, "oracle": 50},
)
