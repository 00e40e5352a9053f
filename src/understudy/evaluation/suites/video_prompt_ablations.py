"""Suite `video_prompt_ablations`: what each part of the representation is worth.

Rows differ in what z is made of and when; the policy, its data and its minutes are the same. The paper argues for
cross-prediction (P = 0.6) in words and has no such table.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITE"]

SUITE = Suite(
    name="video_prompt_ablations",
    rows=("oracle",),
    methods=(),
    robots=("xarm7_xhand",),
    tasks=("pick_place", "push", "press_button", "pour", "flip_cup"),
    prompts=("right", "wrong", "blank", "moved"),
    episodes=100,
    named_rows=(
        "cross_prediction_0",
        "cross_prediction_60",
        "cross_prediction_100",
        "stage1_untrained",
        "autoencoder_latents",
        "end_to_end",
        "z_each_chunk",
    ),
    row_prompts={"oracle": ("right", "moved")},
    row_episodes={"oracle": 50},
)
