"""Suite `video_prompt`: Table 1 of the paper on the XHand, and our own columns beside it.

A column for each task in layouts of the usual range that no stage ever saw, and one over all tasks for each of the
paper's three generalisations. Rows are named for what they learn from, as in the paper: `--policy ROW=FOLDER`.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITE"]

_ROWS = {
    "language_robot_human": (0.58, 0.56, 0.36),
    "repr_robot": (0.68, 0.67, 0.55),
    "repr_robot_human": (0.74, 0.67, 0.64),
    "repr_robot_human_pdcp": (0.79, 0.69, 0.73),
}
"""Row -> success rates in the paper on position, scene and background."""
_AXES = ("position", "scene", "background")

SUITE = Suite(
    name="video_prompt",
    rows=("kinematic", "oracle"),
    methods=("video_prompt",),
    robots=("xarm7_xhand",),
    tasks=("pick_place", "push", "press_button", "pour", "flip_cup"),
    prompts=("right", "wrong", "blank", "moved", "distractors", "camera_turned", "unseen_person"),
    episodes=100,
    named_rows=tuple(_ROWS),
    axes=_AXES,
    row_prompts={"kinematic": ("right", "moved"), "oracle": ("right", "moved")},
    row_episodes={"kinematic": 10, "oracle": 50},
    paper_name="Table 1: real robot, six skills",
    paper={(row, axis): rate for row, rates in _ROWS.items() for axis, rate in zip(_AXES, rates, strict=True)},
)
