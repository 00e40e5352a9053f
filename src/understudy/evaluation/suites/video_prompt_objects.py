"""Suite `video_prompt_objects`: things that people's data show and robots' data never did (Figure 6b, A.5.2).

A column for each task, in layouts whose objects are all novel: boxes and jugs where the robot has met cubes and
cylinders, cups of a colour and print that it has not seen. Rows have a policy for each task, as in the paper:
`--policy ROW@TASK=FOLDER`; `shipped` is one policy of five tasks whose data show no such things at all. The figure has
bars and no numbers, so there are none beside ours.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITE"]

SUITE = Suite(
    name="video_prompt_objects",
    rows=("kinematic", "oracle"),
    methods=(),
    robots=("xarm7_xhand",),
    tasks=("pick_place", "pour", "push"),
    prompts=("right", "wrong", "blank", "moved"),
    episodes=100,
    named_rows=("robot_only", "robot_human", "language", "shipped"),
    layouts="object_type",
    row_prompts={"kinematic": ("right", "moved"), "oracle": ("right", "moved")},
    row_episodes={"kinematic": 10, "oracle": 50},
)
