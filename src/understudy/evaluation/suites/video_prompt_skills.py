"""Suite `video_prompt_skills`: skills that people's data show and the robot's data never did (section 4.4, A.6).

A column for each skill. The policies of `full` know 40 of the robot's grasping trajectories and the people who show one
of the skills: `--policy full@TASK=FOLDER`; that of `together`, the people of all three. `without_things` and
`without_painting` are that one without what brings a path read in people's scenes to the robot: putting it where
things stand (`model.things`), and people's scenes with the robot painted in (`painted_robot`). Prompts that do not
match the robot's scene tell understanding from replay.
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
    named_rows=("robot_only", "language_robot_human", "full", "together", "without_things", "without_painting"),
    row_prompts={"kinematic": ("right", "moved"), "oracle": ("right", "moved")},
    row_episodes={"kinematic": 10, "oracle": 50},
    paper_name="Sections 4.4 and 6, in words: robot_only and language_robot_human failed; full is below 10 %",
)
