"""What can be read off z by linear probes: skill, target and places, beside chance and the autoencoder's latents.

Latents are pooled and projected as z is, but are of the prompt alone; z knows the robot's scene, too.

Rows `z` and `autoencoder_latents` are of persons' clips. Rows that end in `_across` learn on persons' clips and are
tested on the robot's own: what is said there does not depend on who was filmed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Shaped

from understudy.episodes.shown_layouts import ShownLayout
from understudy.errors import UnderstudyError
from understudy.evaluation.probes import fit_linear_probe, probe_class
from understudy.evaluation.result_file import rate_cell
from understudy.methods.video_prompt.embedding import PERSON_TO_ROBOT, ROBOT_TO_ROBOT, Embedding
from understudy.records import EvalCell

__all__ = ["CHANCE", "LATENTS", "MIN_LAYOUTS", "probe_cells"]

LATENTS, CHANCE = "autoencoder_latents", "chance"
MIN_LAYOUTS = 20
"""Half of them train the probes."""


def probe_cells(
    embedding: Embedding, layouts: Sequence[ShownLayout], train: Bool[np.ndarray, " N"], robot: str
) -> Iterator[EvalCell]:
    """Probes that learn on the layouts `train` and are tested on the others.

    Places: distance from the true one, and for `chance` of the middle of the training layouts. Classes: `chance` says
    whatever is the most frequent one in the training layouts. The target is the thing of the layout that stands nearest
    to the place of contact that is read off; `chance` picks any of them.

    Args:
        embedding: z and latents of all layouts.
        layouts: what was done in each.
        train: see `halves`.
        robot: named in the cells.

    Raises:
        UnderstudyError: fewer layouts than `MIN_LAYOUTS`, or one skill only.
    """
    skills = np.array([layout.skill for layout in layouts])
    _check_enough(skills)
    classes = {"skill": skills, "object": np.array([layout.target for layout in layouts])}
    places = {
        "contact": np.array([layout.contact_xy for layout in layouts]),
        "goal": np.array([layout.goal_xy for layout in layouts]),
    }
    unseen = [layout for layout, learned_from in zip(layouts, train, strict=True) if not learned_from]
    person, own = PERSON_TO_ROBOT, ROBOT_TO_ROBOT
    for row, learned, tested in (
        ("z", embedding.z[person], embedding.z[person]),
        ("z_across", embedding.z[person], embedding.z[own]),
        (LATENTS, embedding.latents[person], embedding.latents[person]),
        (f"{LATENTS}_across", embedding.latents[person], embedding.latents[own]),
    ):
        for name, kinds in classes.items():
            found, of = probe_class((learned[train], kinds[train]), (tested[~train], kinds[~train]))
            yield rate_cell(row, found, of, metric=f"probe_{name}_accuracy", robot=robot)
        for name, where in places.items():
            read = fit_linear_probe(learned[train], where[train])(tested[~train])
            off = np.linalg.norm(read - where[~train], axis=1)
            yield EvalCell(row, f"probe_{name}_m_p50", float(np.median(off)), robot=robot, n=len(off))
            if name == "contact":
                right = [_nearest(layout, xy) == layout.target_row for layout, xy in zip(unseen, read, strict=True)]
                yield rate_cell(row, sum(right), len(right), metric="probe_target_accuracy", robot=robot)
    yield from _chance(classes, places, train, robot)
    any_of_them = float(np.mean([1 / len(layout.things_xy) for layout in unseen]))
    yield EvalCell(CHANCE, "probe_target_accuracy", any_of_them, robot=robot, n=len(unseen))


def _check_enough(skills: Shaped[np.ndarray, " N"]) -> None:
    if len(skills) < MIN_LAYOUTS:
        raise UnderstudyError(
            f"{len(skills)} layouts: probes need at least {MIN_LAYOUTS}, half to learn from; record more"
        )
    if len(set(skills.tolist())) < 2:
        raise UnderstudyError(f"all {len(skills)} layouts show {skills[0]}: at least two skills can be told apart")


def _nearest(layout: ShownLayout, xy: Float[np.ndarray, "2"]) -> int:
    """Which thing of the layout stands nearest to a place."""
    return int(np.linalg.norm(layout.things_xy - xy, axis=1).argmin())


def _chance(
    classes: dict[str, Shaped[np.ndarray, " N"]],
    places: dict[str, Float[np.ndarray, "N 2"]],
    train: Bool[np.ndarray, " N"],
    robot: str,
) -> Iterator[EvalCell]:
    for name, kinds in classes.items():
        usual = Counter(kinds[train].tolist()).most_common(1)[0][0]
        found, of = int((kinds[~train] == usual).sum()), int((~train).sum())
        yield rate_cell(CHANCE, found, of, metric=f"probe_{name}_accuracy", robot=robot)
    for name, where in places.items():
        off = np.linalg.norm(where[~train] - where[train].mean(0), axis=1)
        yield EvalCell(CHANCE, f"probe_{name}_m_p50", float(np.median(off)), robot=robot, n=len(off))
