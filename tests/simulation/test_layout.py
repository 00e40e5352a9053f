import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.simulation.layout import HALF_WIDTH, LINES_X, PLATE_RADIUS, sample_layout
from understudy.simulation.looks import sample_looks
from understudy.simulation.people import sample_person
from understudy.simulation.scene import tabletop_camera
from understudy.simulation.seeds import TEST, TRAIN, VALIDATION, split_of
from understudy.simulation.tasks import get_task, goal_of

SEEDS = st.integers(0, 2_999_999)
IMAGE = 256
ROW_TASKS = [get_task(name) for name in ("pick_place", "push", "press_button")]
"""Tasks of the layouts that have rows."""
NEEDED_GAP = 0.03
"""Between any two things: room for a finger [m]."""


def radius(item):
    return {"plate": PLATE_RADIUS, "button": 0.035 * np.sqrt(2)}.get(item.kind, HALF_WIDTH * np.sqrt(2))


@pytest.mark.parametrize(("seed", "digest"), [(0, "6a049a12ed4dc437"), (2_000_000, "595821b4f95d33b5")])
def test_a_seed_gives_the_same_layout_on_every_machine(seed, digest):
    text = repr((sample_layout(seed), [goal_of(task, sample_layout(seed)) for task in ROW_TASKS]))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_layouts_are_feasible(seed):
    layout = sample_layout(seed)
    items = list(layout.items.values())
    assert [len(layout.objects), len(layout.plates), len(layout.buttons)] == [3, 2, 2]
    assert len({item.name for item in items}) == 7
    assert len({item.colour for item in layout.objects}) == 3
    for i, a in enumerate(items):
        assert 0.35 < np.linalg.norm(a.position) < 0.75
        for b in items[:i]:
            gap = np.linalg.norm(a.position - b.position) - radius(a) - radius(b)
            assert gap > (0.0 if {a.kind, b.kind} <= {"plate", "button"} else NEEDED_GAP)
    for thing in layout.objects:
        assert LINES_X[0] - thing.xy[0] > 2 * HALF_WIDTH
    for plate in layout.plates:
        assert plate.xy[0] - PLATE_RADIUS > LINES_X[1] + HALF_WIDTH - 0.005


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_every_thing_is_in_the_camera_s_view(seed):
    camera = tabletop_camera(IMAGE)
    points = np.array([[*item.xy, z] for item in sample_layout(seed).items.values() for z in (0.0, 0.07)])
    pixels = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), points))
    assert pixels.min() > 0.03 * IMAGE
    assert pixels.max() < 0.97 * IMAGE


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_goals_exist_and_differ_in_what_the_label_leaves_open(seed):
    layout = sample_layout(seed)
    for task in ROW_TASKS:
        goal = goal_of(task, layout)
        assert goal == goal_of(task, layout)
        assert layout.item(goal.target)
        assert goal.place not in goal.label


def test_looks_and_people_of_the_test_are_in_nothing_else():
    def pool(seeds):
        looks = [sample_looks(seed) for seed in seeds]
        people = [sample_person(seed) for seed in seeds]
        tables, walls = {look.table for look in looks}, {look.wall for look in looks}
        return tables, walls, {body.skin_rgb for body in people}, {body.sleeve_rgb for body in people}

    kept = pool(range(TEST.start, TEST.start + 200))
    seen = pool([*range(200), *range(VALIDATION.start, VALIDATION.start + 200)])
    for test_values, other_values in zip(kept, seen, strict=True):
        assert len(test_values) >= 2
        assert not test_values & other_values


def test_seeds_lie_in_one_range_each():
    assert [split_of(seed) for seed in (TRAIN.start, VALIDATION.start, TEST.stop - 1)] == [
        "train",
        "validation",
        "test",
    ]
    with pytest.raises(UnderstudyError, match="seed 3000000 lies in no range"):
        split_of(3_000_000)


def test_unknown_things_are_named():
    with pytest.raises(UnderstudyError, match="plate_0"):
        sample_layout(0).item("plate_9")
