"""The suites of the benchmark, one file each: which rows meet which tasks, robots and prompts."""

from types import ModuleType

from understudy.errors import UnknownName
from understudy.evaluation.suites import (
    first_policies,
    video_prompt,
    video_prompt_ablations,
    video_prompt_human_demos,
    video_prompt_objects,
    video_prompt_shipped,
    video_prompt_skills,
    watch,
)
from understudy.evaluation.suites.suite import Suite

__all__ = ["SUITES", "Suite", "get_suite"]

SUITES: dict[str, ModuleType] = {
    "watch": watch,
    "first_policies": first_policies,
    "video_prompt": video_prompt,
    "video_prompt_shipped": video_prompt_shipped,
    "video_prompt_objects": video_prompt_objects,
    "video_prompt_skills": video_prompt_skills,
    "video_prompt_human_demos": video_prompt_human_demos,
    "video_prompt_ablations": video_prompt_ablations,
}
"""Name -> module with a `SUITE`. A new suite is one new file and one line here."""


def get_suite(name: str) -> Suite:
    """The suite of that name; `UnknownName` lists the valid ones."""
    if name not in SUITES:
        raise UnknownName("suite", name, SUITES)
    suite: Suite = SUITES[name].SUITE
    return suite
