"""Suite `video_prompt_ablations`: what each part of the representation is worth.

Rows differ in what z is made of and when; the policy, its data and its minutes of stage 2 are the same, and so are the
minutes of stage 1 for the rows that train one. `end_to_end` has no stage 1 and only the minutes of stage 2;
`end_to_end_long` has the minutes of both stages together; both read the prompt in tokens of their own, from larger
frames, where the others read maps of z. The paper argues for cross-prediction (P = 0.6) in words and
has no such table.

Rows `robot_N` learn from the actions of N robot episodes a task and of nobody else, on a stage 1 that has seen all
videos; `robot_40_stage1_40` on one whose only videos of the robot are those 40; `robot_N_end_to_end` without stage 1,
for the minutes of both stages. `robot_40_people` and `robot_40_people_end_to_end` learn from what people do besides,
from the same videos and the same actions. `mixture`: stage 1 has seen grippers and random clips of people, too.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITE"]

SUITE = Suite(
    name="video_prompt_ablations",
    rows=("kinematic", "oracle"),
    methods=(),
    robots=("xarm7_xhand",),
    tasks=("pick_place", "pour", "push"),
    prompts=("right", "wrong", "blank", "moved"),
    episodes=100,
    named_rows=(
        "cross_prediction_0",
        "cross_prediction_60",
        "cross_prediction_100",
        "mixture",
        "stage1_untrained",
        "autoencoder_latents",
        "end_to_end",
        "end_to_end_long",
        "z_each_chunk",
        "robot_10",
        "robot_10_end_to_end",
        "robot_40",
        "robot_40_stage1_40",
        "robot_40_end_to_end",
        "robot_40_people",
        "robot_40_people_end_to_end",
    ),
    row_prompts={"kinematic": ("right", "moved"), "oracle": ("right", "moved")},
    row_episodes={"kinematic": 10, "oracle": 50},
)
