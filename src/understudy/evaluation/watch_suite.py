"""Suite `watch`: how far replay of a hand goes, from its true keypoints (`oracle`) and from tracked ones (`kinematic`).

Both rows are the same policy in the same layouts from the same initial states; what differs is where the hand comes
from. The `oracle` row measures retargeting and control, the distance to the `kinematic` row is perception.
"""

import json
import tempfile
from pathlib import Path

from understudy.errors import UnderstudyError
from understudy.evaluation.result_file import rate_cell
from understudy.evaluation.rollout import run_rollout
from understudy.files import write_text
from understudy.methods import make_policy
from understudy.methods.policy import Prompt
from understudy.perception.video import open_video, write_video
from understudy.records import EvalCell
from understudy.simulation.human import record_human
from understudy.simulation.seeds import TEST
from understudy.simulation.tabletop import Tabletop

__all__ = ["ROBOTS", "ROWS", "TASKS", "jobs", "run_job", "summarise"]

TASKS = ("pick_place", "push", "press_button")
ROBOTS = ("xarm7_gripper", "xarm7_xhand")
ROWS = ("oracle", "kinematic")
_OBSERVATION_SIZE = 512


def jobs(episodes: int, first_seed: int | None = None) -> list[tuple[str, int]]:
    """(task, seed) of every episode; the sealed test layouts unless another first seed is asked for."""
    start = TEST.start if first_seed is None else first_seed
    return [(task, start + index) for index in range(episodes) for task in TASKS]


def run_job(job: tuple[str, int], folder: Path) -> list[dict]:
    """All rows and robots in one layout, from one clip; kept in `folder`, and read from there if already done."""
    task, seed = job
    path = folder / f"{task}_{seed}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    demonstration = record_human(task, seed)
    with tempfile.TemporaryDirectory() as temporary:
        clip = Path(temporary) / "clip.mp4"
        write_video(clip, demonstration.frames, demonstration.fps)
        prompts: dict[str, Prompt] = {"oracle": demonstration.track, "kinematic": open_video(clip)}
        episodes = [_run(task, seed, robot, row, prompts[row]) for robot in ROBOTS for row in ROWS]
    write_text(path, json.dumps(episodes, indent=1) + "\n")
    return episodes


def _run(task: str, seed: int, robot: str, row: str, prompt: Prompt) -> dict:
    table = Tabletop(task, seed, robot, image_size=_OBSERVATION_SIZE)
    where = {"row": row, "task": task, "seed": seed, "robot": robot}
    try:
        result = run_rollout(table, make_policy("kinematic", robot), prompt)
    except UnderstudyError as error:  # a clip that cannot be followed is a failed episode, and is counted as one
        return where | {"success": False, "score": 0.0, "failure": f"prompt: {error}", "num_steps": 0}
    finally:
        table.close()
    return where | {
        "success": result.success,
        "score": result.score,
        "failure": result.failure,
        "num_steps": result.num_steps,
    }


def summarise(episodes: list[dict], seed: int) -> list[EvalCell]:
    """Success rate and mean score of every row, robot and task."""
    cells = []
    for row in ROWS:
        for robot in ROBOTS:
            for task in TASKS:
                found = [e for e in episodes if (e["row"], e["robot"], e["task"]) == (row, robot, task)]
                if not found:
                    continue
                successes = sum(e["success"] for e in found)
                rate = rate_cell(row, successes, len(found), column=task, robot=robot, prompt="right", seed=seed)
                score = sum(e["score"] for e in found) / len(found)
                cells += [rate, EvalCell(row, "score", score, task, robot, "right", n=len(found), seed=seed)]
    return cells
