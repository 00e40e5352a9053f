"""`understudy perform`: one prompt, one scene, one rollout, with the video and the numbers that came of it."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from understudy.evaluation.rollout import run_rollout
from understudy.files import write_text
from understudy.methods import make_policy
from understudy.perception.video import open_video, write_video
from understudy.simulation.tabletop import Tabletop

__all__ = ["CONTROL_HZ", "perform"]

CONTROL_HZ = 10
_VIDEO_SIZE = 384
_OBSERVATION_SIZE = 512


def perform(prompt: Path, task: str, seed: int, robot: str, policy: str = "kinematic", out: Path | None = None) -> dict:
    """Prompt a policy with a video and let it act once in the layout `seed` of `task`.

    Returns the report that is also written to `out/report.json`, beside `out/rollout.mp4` (what the policy's camera
    saw). The prompt is taken to be filmed by the tabletop's own camera unless the policy is told otherwise.

    Raises:
        UnderstudyError: unknown names, an unreadable prompt, no hand in it.
    """
    actor = make_policy(policy, robot)
    video = open_video(prompt)
    out = out or Path("out") / f"{prompt.stem}_{task}_{seed}_{robot}"
    table = Tabletop(task, seed, robot, image_size=_OBSERVATION_SIZE)
    frames: list[UInt8[np.ndarray, "H W 3"]] = []
    try:
        result = run_rollout(table, actor, video, on_step=lambda scene: frames.append(scene.render(_VIDEO_SIZE)))
        label = table.label
    finally:
        table.close()
    report = {
        "prompt": str(prompt),
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
    write_video(out / "rollout.mp4", frames, CONTROL_HZ)
    write_text(out / "report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    return report
