"""`understudy perform`: one prompt, one scene, one rollout, with the video and the numbers that came of it."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from understudy.evaluation.rollout import run_rollout
from understudy.files import write_text
from understudy.methods import make_policy
from understudy.methods.policy import Policy, Prompt
from understudy.perception.video import open_video, write_video
from understudy.simulation.tabletop import Tabletop

__all__ = ["CONTROL_HZ", "perform"]

CONTROL_HZ = 10
_VIDEO_SIZE = 384


def perform(prompt: str, task: str, seed: int, robot: str, policy: str = "kinematic", out: Path | None = None) -> dict:
    """Prompt a policy and let it act once in the layout `seed` of `task`.

    Args:
        prompt: path of a video; for a policy that is told in words, the words; empty for none.
        task: what success is judged by.
        seed: of the layout.
        robot: who acts.
        policy: name or folder.
        out: folder of video and report.

    Returns the report that is also written to `out/report.json`, beside `out/rollout.mp4` (what the policy's camera
    saw). The prompt is taken to be filmed by the tabletop's own camera unless the policy is told otherwise.

    Raises:
        UnderstudyError: unknown names, an unreadable prompt, no hand in it.
    """
    actor = make_policy(policy, robot)
    given = _prompt(actor, prompt)
    out = out or Path("out") / f"{task}_{seed}_{robot}"
    table = Tabletop(task, seed, robot, image_size=actor.image_size)
    frames: list[UInt8[np.ndarray, "H W 3"]] = []
    try:
        result = run_rollout(table, actor, given, on_step=lambda scene: frames.append(scene.render(_VIDEO_SIZE)))
        label = table.label
    finally:
        table.close()
    report = {
        "prompt": prompt,
        "task": task,
        "label": label,
        "seed": seed,
        "robot": robot,
        "policy": policy,
        "success": result.success,
        "score": result.score,
        "failure": result.failure,
        "seconds": result.num_steps / CONTROL_HZ,
        "notes": list(actor.notes),
    }
    out.mkdir(parents=True, exist_ok=True)
    write_video(out / "rollout.mp4", frames, float(CONTROL_HZ))
    write_text(out / "report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return report


def _prompt(policy: Policy, prompt: str) -> Prompt:
    if not prompt:
        return None
    return prompt if policy.prompt_kind == "label" else open_video(Path(prompt))
