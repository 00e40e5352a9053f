"""`understudy perform`: one prompt, one scene, one rollout, with the video and the numbers that came of it."""

import json
import shutil
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import UInt8

from understudy.errors import UnderstudyError
from understudy.evaluation.film import write_film
from understudy.evaluation.page import badge, card, page, video
from understudy.evaluation.prompt_look import PromptLook, look_at_prompt, trimmed
from understudy.evaluation.rollout import Rollout, run_rollout
from understudy.evaluation.rows import policy_folder
from understudy.files import write_text
from understudy.methods import make_policy
from understudy.methods.policy import Policy, Prompt
from understudy.perception.video import open_video, write_video
from understudy.records import HumanVideo
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import get_task

__all__ = ["CONTROL_HZ", "imagined_by", "perform", "video_model"]

CONTROL_HZ = 10
_VIDEO_SIZE = 384


@dataclass(frozen=True)
class _Told:
    """A policy's prompt, and what was seen in it."""

    prompt: Prompt
    look: PromptLook | None = None
    trimmed: bool = False
    """The prompt is a file of ours, which goes away."""


def perform(
    prompt: str,
    task: str,
    seed: int,
    robot: str,
    policy: str = "kinematic",
    out: Path | None = None,
    *,
    imagine: bool = False,
    trim: bool = False,
) -> dict[str, Any]:
    """Prompt a policy and let it act once in the layout `seed` of `task`.

    Args:
        prompt: path of a video; for a policy that is told in words, the words; empty for none.
        task: what success is judged by.
        seed: of the layout.
        robot: who acts.
        policy: name or folder.
        out: folder of video and report.
        imagine: show what the policy's video model takes the prompt to mean, too.
        trim: cut off the stillness before and after the motion of the prompt.

    Returns the report that is also written to `out/report.json`, beside `out/rollout.mp4` (what the policy's camera
    saw), `out/report.html` (all on one page) and, if asked for, `out/imagined.mp4` and `out/prompt.mp4` (trimmed). The
    prompt is taken to be filmed by the tabletop's own camera unless the policy is told otherwise.

    Raises:
        UnderstudyError: unknown names, an unreadable prompt, one of the wrong kind or with no hand to follow, or
            nothing to imagine with.
    """
    actor = make_policy(policy, robot)
    get_task(task)
    out = out or Path("out") / f"{task}_{seed}_{robot}"
    model = _model_to_imagine_with(policy, prompt) if imagine else None
    with TemporaryDirectory() as scratch:
        told = _told(actor, policy, prompt, Path(scratch) / "prompt.mp4" if trim else None)
        scene, frames, result, label = _roll_out(actor, told.prompt, task, seed, robot)
        imagined = None
        if model is not None and isinstance(told.prompt, HumanVideo):
            imagined = imagined_by(model, told.prompt, scene)
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
            "seen_in_prompt": None if told.look is None else told.look.to_json(),
            "familiarity": actor.familiarity,
            "notes": [*(() if told.look is None else told.look.notes), *actor.notes],
        }
        _write(out, report, told, imagined, frames)
    return report


def video_model(policy: str) -> Path | None:
    """Folder of the video model that a policy has learned to understand prompts by; None if it has none.

    Args:
        policy: name or folder of one that could be made.
    """
    folder = policy_folder(policy)
    if folder is None:
        return None
    from understudy.methods.video_prompt.imagine import video_model_of  # PyTorch: not for policies without weights

    return video_model_of(folder)


def imagined_by(model: Path, prompt: HumanVideo, scene: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "T S S 3"]:
    """The robot's video that a prompt brings to mind in a scene, as `understudy imagine` shows it.

    Args:
        model: folder, see `video_model`.
        prompt: video of a person.
        scene: what the robot sees before it begins.
    """
    from understudy.methods.video_prompt.imagine import imagine

    return imagine(prompt, scene, model, None, seed=0)[1]


def _model_to_imagine_with(policy: str, prompt: str) -> Path:
    model = video_model(policy)
    if model is None:
        raise UnderstudyError(
            f"--imagine: {policy} has no video model: policies of video_prompt that watch videos have one"
        )
    if not prompt:
        raise UnderstudyError("--imagine: there is no prompt to imagine something of: give --prompt VIDEO")
    return model


def _told(policy: Policy, name: str, prompt: str, trim_to: Path | None) -> _Told:
    """Checked before a scene is built: what cannot be used is said at once."""
    if policy.prompt_kind == "label":
        if prompt and Path(prompt).is_file():
            raise UnderstudyError(f"--prompt {prompt}: {name} is told in words, not shown a file: such as 'push it'")
        if trim_to is not None:
            raise UnderstudyError(f"--trim: {name} is told in words: there is no video to trim")
        return _Told(prompt or None)
    if not prompt:
        if trim_to is not None:
            raise UnderstudyError("--trim: there is no prompt to trim: give --prompt VIDEO")
        return _Told(None)
    seen = look_at_prompt(open_video(Path(prompt)), policy.prompt_frames)
    if trim_to is None:
        return _Told(seen.video, seen)
    short = trimmed(seen, trim_to)
    return _Told(short, look_at_prompt(short, policy.prompt_frames), trimmed=True)


def _roll_out(
    policy: Policy, prompt: Prompt, task: str, seed: int, robot: str
) -> tuple[UInt8[np.ndarray, "S S 3"], list[UInt8[np.ndarray, "V V 3"]], Rollout, str]:
    """What the policy saw first, the film of what it did, how it ended, and the label of the task."""
    table = Tabletop(task, seed, robot, image_size=policy.image_size)
    frames: list[UInt8[np.ndarray, "V V 3"]] = []
    try:
        scene = table.reset().image
        result = run_rollout(table, policy, prompt, on_step=lambda scene: frames.append(scene.render(_VIDEO_SIZE)))
        return scene, frames, result, table.label
    finally:
        table.close()


def _write(
    out: Path,
    report: dict[str, Any],
    told: _Told,
    imagined: UInt8[np.ndarray, "T S S 3"] | None,
    rollout: list[UInt8[np.ndarray, "V V 3"]],
) -> None:
    """The report comes last: where it is, everything is."""
    out.mkdir(parents=True, exist_ok=True)
    shown = told.prompt if isinstance(told.prompt, HumanVideo) else None
    if told.trimmed and shown is not None:
        shutil.copyfile(shown.path, out / "prompt.mp4")
    write_video(out / "rollout.mp4", rollout, float(CONTROL_HZ))
    if imagined is not None and shown is not None:
        write_video(out / "imagined.mp4", imagined, max(1.0, len(imagined) * shown.fps / shown.num_frames))
    write_film(out / "film.mp4", shown, imagined, rollout, float(CONTROL_HZ))
    write_text(out / "report.html", _page(report, out / "film.mp4", shown is not None, imagined is not None))
    write_text(out / "report.json", json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _page(report: dict[str, Any], film: Path, shown: bool, imagined: bool) -> str:
    columns = [name for name, there in (("the prompt", shown), ("imagined", imagined)) if there] + [
        "what the robot did"
    ]
    result = badge("success", "good") if report["success"] else badge(report["failure"] or "failed", "bad")
    told = "" if shown or not report["prompt"] else f"<p>told: {escape(report['prompt'])}</p>"
    notes = "".join(f"<li>{escape(note)}</li>" for note in report["notes"])
    body = f"<p>{result} score {report['score']:.0f} of 100</p>{told}{video(film, ' | '.join(columns))}<ul>{notes}</ul>"
    lead = f"{escape(report['policy'])} on {report['robot']}, layout {report['seed']} of {report['task']}"
    return page("One performance", lead, card(report["label"].capitalize(), body))
