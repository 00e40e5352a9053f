"""Vector arithmetic of stage 1 (the paper's Fig. 5b), counted: robot(A) - person(A) + person(B) = robot(B)?

1. In z: is the sum nearest to robot(B) among all robots' z that were held out?
2. In videos: does the video made of the sum show a robot that does B? A judge says so, which was trained on true
   videos of other layouts, and whose own accuracy on true videos is a row of its own.

Pairs that share B are no trials of their own: intervals are over layouts B, see `rate_interval_by_layout`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from rich.console import Console
from rich.progress import track
from torch import Tensor

from understudy.episodes.shown_layouts import PERSON, ShownLayout, ShownLayouts
from understudy.errors import UnderstudyError
from understudy.evaluation.layout_bootstrap import rate_interval_by_layout
from understudy.evaluation.result_file import rate_cell
from understudy.methods.video_prompt.embedding import PERSON_TO_PERSON, PERSON_TO_ROBOT, Embedding
from understudy.methods.video_prompt.video_judge import TrueVideos, Verdict, VideoJudge, train_judge
from understudy.networks.image_encoder import to_float
from understudy.networks.video_diffusion.arithmetic import PROMPT_TOKENS, ArithmeticModel, Conditions
from understudy.networks.video_diffusion.video_model import VideoModel, encode_first, sample_video
from understudy.records import EvalCell

__all__ = ["Analogy", "MadeVideos", "analogies", "judge_cells", "make_videos", "nearest_cells", "teach_judge"]

_TOGETHER = 8
DIRECT, PROMPT_A, PERSON_B, TRUE = "direct", "prompt_a", "person_b", "true_videos"
"""Made from (robot, B); from (robot, A), which is no arithmetic; from (person, B) alone; filmed."""


@dataclass(frozen=True)
class Analogy:
    """A is to be taken from a robot, B from a person; their skills differ. Rows of `ShownLayouts`."""

    a: int
    b: int


@dataclass(frozen=True)
class MadeVideos:
    """Row of the table -> video of every analogy, -1 to 1."""

    videos: Mapping[str, Float[Tensor, "N T 3 S S"]]
    layers: Sequence[str]
    """Rows that arithmetic made, by the layer it was done at."""


def analogies(layouts: Sequence[ShownLayout], held: Bool[np.ndarray, " N"], count: int, seed: int = 0) -> list[Analogy]:
    """`count` different pairs of held-out layouts of different skills; every layout is B about equally often.

    Raises:
        UnderstudyError: there are not so many.
    """
    rng = np.random.default_rng(seed)
    rows: list[int] = np.flatnonzero(held).tolist()
    pools = {
        b: rng.permutation([a for a in rows if layouts[a].skill != layouts[b].skill]).tolist()
        for b in rng.permutation(rows).tolist()
    }
    if sum(map(len, pools.values())) < count:
        raise UnderstudyError(f"{len(rows)} held-out layouts make fewer than {count} pairs of two skills: record more")
    found: list[Analogy] = []
    while len(found) < count:
        found += [Analogy(pool.pop(), b) for b, pool in pools.items() if pool][: count - len(found)]
    return found


def nearest_cells(
    embedding: Embedding, pairs: Sequence[Analogy], held: Bool[np.ndarray, " N"], robot: str
) -> Iterator[EvalCell]:
    """How often z of (robot, B) is the nearest (cosine) to the sum among all held-out robots' z but that of A."""
    of_robot, of_person = embedding.z[PERSON_TO_ROBOT], embedding.z[PERSON_TO_PERSON]
    rows = np.flatnonzero(held)
    a, b = np.array([pair.a for pair in pairs]), np.array([pair.b for pair in pairs])
    for row, asked in (("arithmetic_z", of_robot[a] - of_person[a] + of_person[b]), ("person_b_z", of_person[b])):
        near = np.array([_nearest(one, of_robot, rows[rows != i]) for one, i in zip(asked, a, strict=True)])
        yield _rate(row, "nearest_is_b_rate", near == b, b.tolist(), robot)
    yield EvalCell("chance", "nearest_is_b_rate", 1 / (len(rows) - 1), robot=robot, n=len(pairs))


def _rate(row: str, metric: str, right: Bool[np.ndarray, " N"], layouts: Sequence[int], robot: str) -> EvalCell:
    """A rate of pairs with its interval over the layouts that they are of."""
    low, high = rate_interval_by_layout(right, layouts)
    return replace(rate_cell(row, int(right.sum()), len(right), metric=metric, robot=robot), low=low, high=high)


def _nearest(asked: Float[np.ndarray, " Z"], among: Float[np.ndarray, "N Z"], rows: Int[np.ndarray, " M"]) -> int:
    near = among[rows] @ asked / np.linalg.norm(among[rows], axis=1).clip(min=1e-9)
    return int(rows[near.argmax()])


def teach_judge(
    shown: ShownLayouts, rows: Sequence[int], skills: Sequence[str], model: VideoModel, steps: int
) -> VideoJudge:
    """A judge that was trained on the true videos of these layouts, of the robot and of the person."""
    layouts = [shown.layouts[row] for row in rows]
    videos = np.concatenate([shown.clips(name, rows) for name in (shown.robot, PERSON)])
    skill = np.array([skills.index(layout.skill) for layout in layouts])
    places = np.array([layout.contact_xy for layout in layouts])
    true = TrueVideos(videos, np.tile(skill, 2), np.tile(places, (2, 1)), np.repeat([True, False], len(rows)))
    return train_judge(true, model, len(skills), steps)


@torch.inference_mode()
def make_videos(
    model: VideoModel, shown: ShownLayouts, pairs: Sequence[Analogy], layers: Sequence[str], steps: int, seed: int = 0
) -> MadeVideos:
    """By arithmetic at every layer, and the rows to compare with; the same noise for all.

    Raises:
        UnderstudyError: no such layer.
    """
    names = [f"arithmetic_{layer.replace('.', '_')}" for layer in layers]
    made: dict[str, list[Tensor]] = {name: [] for name in (*names, DIRECT, PROMPT_A, PERSON_B)}
    starts = range(0, len(pairs), _TOGETHER)
    for start in track(starts, "videos by arithmetic", console=Console(stderr=True), transient=True):
        some = pairs[start : start + _TOGETHER]
        given = _given(model, shown, [pair.a for pair in some], [pair.b for pair in some], seed)

        def sample(one: VideoModel, conditions: Conditions, start: int = start) -> Float[Tensor, "B T 3 S S"]:
            generator = torch.Generator().manual_seed(seed + start)
            first, tokens = conditions.first, conditions.tokens
            return model.decode(sample_video(one, first, tokens, shown.length, steps, generator)).clamp(-1, 1)

        for name, layer in zip(names, layers, strict=True):
            robot_a = given["own_a" if layer == PROMPT_TOKENS else PROMPT_A]
            made[name].append(sample(ArithmeticModel(model, layer, given["person_a"], given[PERSON_B]), robot_a))
        for name in (DIRECT, PROMPT_A, PERSON_B):
            made[name].append(sample(model, given[name]))
    return MadeVideos({name: torch.cat(parts) for name, parts in made.items()}, names)


def _given(
    model: VideoModel, shown: ShownLayouts, a: Sequence[int], b: Sequence[int], seed: int
) -> dict[str, Conditions]:
    """Conditions by name. `own_a` has the robot's own clip as its prompt: tokens alone do not know the scene."""

    def read(name: str, rows: Sequence[int]) -> Float[Tensor, "B T 3 S S"]:
        return to_float(torch.from_numpy(shown.clips(name, rows)))

    person_a, robot_a, person_b, robot_b = read(PERSON, a), read(shown.robot, a), read(PERSON, b), read(shown.robot, b)

    def conditions(prompt: Tensor, scene: Tensor) -> Conditions:
        generator = torch.Generator().manual_seed(seed)
        return Conditions(encode_first(model, scene[:, 0], generator), model.prompt_tokens(prompt, scene[:, 0]))

    return {
        PROMPT_A: conditions(person_a, robot_a),
        "own_a": conditions(robot_a, robot_a),
        "person_a": conditions(person_a, person_a),
        PERSON_B: conditions(person_b, person_b),
        DIRECT: conditions(person_b, robot_b),
    }


@torch.inference_mode()
def judge_cells(
    judge: VideoJudge,
    made: MadeVideos,
    shown: ShownLayouts,
    pairs: Sequence[Analogy],
    skills: Sequence[str],
    held: Bool[np.ndarray, " N"],
) -> Iterator[EvalCell]:
    """How often made videos show B's skill, B's target, a robot, and all three; and the same of true videos.

    The target is whatever of the layout stands nearest to where the judge sees the target. `psnr_db`: how near a
    video comes to the true one of the robot that does B.
    """
    rows = np.flatnonzero(held).tolist()
    filmed = to_float(torch.from_numpy(shown.clips(shown.robot, rows)))
    verdicts: dict[str, tuple[Verdict, Sequence[int]]] = {TRUE: (judge.judge(filmed), rows)}
    b = [pair.b for pair in pairs]
    verdicts |= {name: (judge.judge(videos), b) for name, videos in made.videos.items()}
    for name, (verdict, of) in verdicts.items():
        right = _right(verdict, [shown.layouts[row] for row in of], skills)
        for what, values in right.items():
            yield _rate(name, f"judged_{what}_rate", values, of, shown.robot)
    true = to_float(torch.from_numpy(shown.clips(shown.robot, b)))
    for name, videos in made.videos.items():
        error = (videos - true).square().flatten(1).mean(1).clamp(min=1e-10)
        yield EvalCell(name, "psnr_db", float((10 * torch.log10(4 / error)).mean()), robot=shown.robot, n=len(b))
    by_guess: Mapping[str, Callable[[ShownLayout], float]] = {
        "skill": lambda _: 1 / len(skills),
        "object": lambda layout: 1 / len(layout.things_xy),
    }
    for what, chance in by_guess.items():
        value = float(np.mean([chance(shown.layouts[row]) for row in b]))
        yield EvalCell("chance", f"judged_{what}_rate", value, robot=shown.robot, n=len(b))


def _right(
    verdict: Verdict, layouts: Sequence[ShownLayout], skills: Sequence[str]
) -> dict[str, Bool[np.ndarray, " N"]]:
    skill = np.array([skills.index(layout.skill) for layout in layouts]) == verdict.skill
    nearest = [
        np.linalg.norm(layout.things_xy - place, axis=1).argmin() == layout.target_row
        for layout, place in zip(layouts, verdict.place_xy, strict=True)
    ]
    target = np.array(nearest, dtype=bool)
    return {"skill": skill, "object": target, "robot": verdict.is_robot, "all": skill & target & verdict.is_robot}
