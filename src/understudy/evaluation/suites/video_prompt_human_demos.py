"""Suite `video_prompt_human_demos`: a novel skill's success against how many human demonstrations of it there were.

Section 6 of the paper leaves that open: "substantially increasing human demonstration data for specific tasks could
help". All rows have the same 40 grasping trajectories of the robot; `--policy human_40@push=FOLDER` and so on. The row
`human_0` has one skill, grasping, and so is trained without PDCP, which has nothing to contrast; the others have PDCP.
A skill's last count is that of A.6 (160 of `press_button`, 240 of `push`, 300 of `hold`), as in `video_prompt_skills`.
The figure shows success with the right prompt, and with one from where objects stand elsewhere (moved).
"""

from understudy.evaluation.suites.suite import Suite
from understudy.evaluation.suites.video_prompt_skills import SKILLS

__all__ = ["SUITE"]

_COUNTS = (0, 40, 160, 240, 300)

SUITE = Suite(
    name="video_prompt_human_demos",
    rows=("kinematic", "oracle"),
    methods=(),
    robots=("xarm7_xhand",),
    tasks=SKILLS,
    prompts=("right", "wrong", "blank", "moved"),
    episodes=100,
    named_rows=tuple(f"human_{count}" for count in _COUNTS),
    row_prompts={"kinematic": ("right", "moved"), "oracle": ("right", "moved")},
    row_episodes={"kinematic": 10, "oracle": 50},
    curve={f"human_{count}": float(count) for count in _COUNTS},
    curve_name="human demonstrations of the skill",
)
