"""Suite `video_prompt_skills`: skills that people's data show and the robot's data never did (section 4.4, A.6).

A column for each skill. Rows have a policy for each, from 40 of the robot's grasping trajectories and the people who
show that skill: `--policy ROW@TASK=FOLDER`. Prompts that do not match the robot's scene tell understanding from replay.
The rows `without_arithmetic` and `without_clock` are the full one without moving z to the other body's scene, and with
eyes on its way (`scene_arithmetic`, `by_clock`); `together` is one policy for all three skills.
"""

from understudy.evaluation.suites.suite import Suite

__all__ = ["SKILLS", "SUITE"]

SKILLS = ("push", "hold", "press_button")

SUITE = Suite(
    name="video_prompt_skills",
    rows=("kinematic", "oracle"),
    methods=(),
    robots=("xarm7_xhand",),
    tasks=SKILLS,
    prompts=("right", "wrong", "blank", "moved", "distractors", "camera_turned", "unseen_person"),
    episodes=100,
    named_rows=("robot_only", "language_robot_human", "without_arithmetic", "without_clock", "full", "together"),
    row_prompts={"kinematic": ("right", "moved"), "oracle": ("right", "moved")},
    row_episodes={"kinematic": 10, "oracle": 50},
    paper_name="Sections 4.4 and 6, in words: robot_only and language_robot_human failed; full is below 10 %",
)
