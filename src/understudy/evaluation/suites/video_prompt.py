"""Suite `video_prompt`: Table 1 of the paper on the XHand, and our own columns beside it.

A column for each task in layouts of the usual range that no stage ever saw, and one over all tasks for each of the
paper's three generalisations. Rows are named for what they learn from, as in the paper: `--policy ROW=FOLDER`.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITE"]

_AXES = ("position", "scene", "background")
_ROWS = {
    "language_robot_human": ((0.58, 69.5), (0.56, 55.6), (0.36, 50.9)),
    "repr_robot": ((0.68, 77.9), (0.67, 81.1), (0.55, 69.1)),
    "repr_robot_human": ((0.74, 81.6), (0.67, 84.4), (0.64, 74.5)),
    "repr_robot_human_pdcp": ((0.79, 85.3), (0.69, 88.9), (0.73, 80.9)),
}
"""Row -> (success rate, score) in the paper on each of `_AXES`."""
_TABLE = {(row, axis): both for row, its in _ROWS.items() for axis, both in zip(_AXES, its, strict=True)}

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
    paper={place: rate for place, (rate, _) in _TABLE.items()},
    paper_score={place: score for place, (_, score) in _TABLE.items()},
)
