"""Suite `first_policies`: two first learned policies beside replay, with right, wrong, blank and moved prompts.

`dp_language` is told what to do in words, `video_decoder` is shown it by a person on video. `kinematic` replays the
tracked hand and `oracle` the true one: neither learns, so what they reach is no evidence of learning.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITE"]

SUITE = Suite(
    name="first_policies",
    rows=("kinematic", "oracle"),
    methods=("dp_language", "video_decoder"),
    robots=("xarm7_gripper", "xarm7_xhand"),
    tasks=("pick_place", "push", "press_button"),
    prompts=("right", "wrong", "blank", "moved"),
    episodes=100,
    # Filming and tracking a whole clip takes a quarter of a minute; a policy that only replays does nothing unprompted.
    row_prompts={"kinematic": ("right", "moved"), "oracle": ("right", "wrong", "moved")},
    row_episodes={"kinematic": 25, "oracle": 50},
    robot_prompts={"xarm7_xhand": ("right",)},
    paper_name="Human2Robot, Table 1: real robot, 20 trials a task (push and pull; pick and place; average of three)",
    paper={
        ("dp_language", "push"): 0.50,
        ("dp_language", "pick_place"): 0.20,
        ("dp_language", "all"): 0.28,
        ("video_decoder", "push"): 0.50,
        ("video_decoder", "pick_place"): 0.10,
        ("video_decoder", "all"): 0.23,
    },
)
