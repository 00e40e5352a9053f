import numpy as np
import pytest

from understudy.errors import UnderstudyError
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.simulation.human import record_human
from understudy.simulation.layout import OBJECT_HALF_HEIGHT, PLATE_RADIUS
from understudy.simulation.objects import PLATE_TOP
from understudy.simulation.state import ObjectState, TableState
from understudy.simulation.tasks import TASKS, get_task, goal_of

SEEDS = (3, 8)
FAR_TIPS = np.full((5, 3), 0.9)


def start_state(layout, **changes):
    objects = {
        item.name: ObjectState(np.array([*item.xy, OBJECT_HALF_HEIGHT[item.kind]]), np.eye(3))
        for item in layout.objects
    }
    beads = {item.name: np.array([[*item.xy, 0.02]] * 5) for item in layout.objects if item.kind == "cup"}
    return TableState(
        objects | changes.pop("objects", {}),
        fingertips=changes.pop("tips", FAR_TIPS),
        beads=beads | changes.pop("beads", {}),
        **changes,
    )


def scene(task_name, seed):
    task = get_task(task_name)
    layout = task.sample_layout(seed)
    return task, layout, goal_of(task, layout)


def with_target(layout, goal, offset=(0.0, 0.0, 0.0), at=None, rotation=None, **changes):
    item = layout.item(goal.target)
    place = np.array([*(goal.place_xy if at is None else at), OBJECT_HALF_HEIGHT[item.kind]]) + np.array(offset)
    thing = ObjectState(place, np.eye(3) if rotation is None else rotation, **changes)
    return start_state(layout, objects={goal.target: thing})


@pytest.mark.parametrize("name", TASKS)
def test_points_add_up_and_nothing_is_reached_at_the_start(name):
    for seed in SEEDS:
        task, layout, goal = scene(name, seed)
        assert sum(stage.points for stage in task.stages) == 100
        assert task.left_open
        assert not any(task.reached(goal, layout, start_state(layout)))
        assert task.failure(goal, layout, start_state(layout), (False,) * len(task.stages)).startswith("not_")


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, True),
        ({"offset": (PLATE_RADIUS - 0.012, 0, 0)}, True),
        ({"offset": (PLATE_RADIUS - 0.008, 0, 0)}, False),
        ({"offset": (0, 0, 0.02)}, False),
        ({"offset": (0, 0, -PLATE_TOP - 0.02)}, False),
        ({"touched": True}, False),
        ({"speed": 0.1}, False),
        ({"turn_rate": 2.0}, False),
    ],
)
def test_pick_place_fires_on_its_plate_alone(change, fires):
    for seed in SEEDS:
        task, layout, goal = scene("pick_place", seed)
        offset = np.array(change.get("offset", (0.0, 0.0, 0.0))) + np.array([0, 0, PLATE_TOP])
        rest = {key: value for key, value in change.items() if key != "offset"}
        assert task.reached(goal, layout, with_target(layout, goal, tuple(offset), **rest))[-1] == fires


def test_pick_place_names_the_wrong_plate_and_stages():
    task, layout, goal = scene("pick_place", SEEDS[0])
    other = next(plate for plate in layout.plates if plate.name != goal.place)
    state = with_target(layout, goal, (0, 0, PLATE_TOP), at=other.xy)
    assert not task.reached(goal, layout, state)[-1]
    assert task.failure(goal, layout, state, (True, True, False)) == "wrong_plate"
    lifted = with_target(layout, goal, (0, 0, 0.05), at=layout.item(goal.target).xy, touched=True)
    assert task.reached(goal, layout, lifted) == (True, True, False)
    carried_by_nothing = with_target(layout, goal, (0, 0, 0.05), at=layout.item(goal.target).xy)
    assert task.reached(goal, layout, carried_by_nothing) == (False, False, False)
    item = layout.item(goal.target)
    near = np.array([*item.xy, 0.03]) + np.array([[0.05, 0, 0], [-0.05, 0, 0]])
    assert task.reached(goal, layout, start_state(layout, tips=near)) == (True, False, False)
    assert task.reached(goal, layout, start_state(layout, tips=near[:1])) == (False, False, False)


@pytest.mark.parametrize(
    ("change", "fires", "word"),
    [
        ({}, True, ""),
        ({"offset": (0.028, 0, 0)}, True, ""),
        ({"offset": (0.032, 0, 0)}, False, "too_far"),
        ({"offset": (-0.032, 0, 0)}, False, "short"),
        ({"offset": (0, 0.062, 0)}, False, "aside"),
        ({"rotation": matrix_from_rotation_vector(np.array([0.0, 1.5, 0.0]))}, False, "toppled"),
        ({"speed": 0.2}, False, "not_at_rest"),
    ],
)
def test_push_fires_at_its_line_alone(change, fires, word):
    for seed in SEEDS:
        task, layout, goal = scene("push", seed)
        state = with_target(layout, goal, **change)
        reached = task.reached(goal, layout, state)
        assert reached[-1] == fires
        if not fires:
            assert task.failure(goal, layout, state, reached if word == "toppled" else (True, False)) == word


def test_push_to_the_other_line_does_not_count():
    for seed in SEEDS:
        task, layout, goal = scene("push", seed)
        other = 0.515 if goal.place == "line_far" else 0.59
        assert task.reached(goal, layout, with_target(layout, goal, at=(other, goal.place_xy[1]))) == (True, False)


def test_press_button_fires_on_its_button_alone():
    task, layout, goal = scene("press_button", SEEDS[0])
    other = next(button.name for button in layout.buttons if button.name != goal.target)
    assert task.reached(goal, layout, start_state(layout, pressed=frozenset({goal.target}))) == (True, True)
    for wrong in ({other}, {other, goal.target}):
        state = start_state(layout, pressed=frozenset(wrong))
        assert not task.reached(goal, layout, state)[-1]
        assert task.failure(goal, layout, state, (False, False)) == "wrong_button"
    tip = np.array([[*goal.place_xy, 0.06]])
    assert task.reached(goal, layout, start_state(layout, tips=tip)) == (True, False)


@pytest.mark.parametrize(
    ("held_s", "stages", "word"),
    [(None, 0, "not_approached"), (0.0, 2, "not_long_enough"), (1.9, 2, "not_long_enough"), (2.0, 3, ""), (9.0, 3, "")],
)
def test_hold_fires_after_two_seconds_in_the_air(held_s, stages, word):
    for seed in SEEDS:
        task, layout, goal = scene("hold", seed)
        state = with_target(layout, goal, (0, 0, 0.1), touched=True, held_s=held_s)
        reached = task.reached(goal, layout, state)
        assert sum(reached) == stages
        if word:
            assert task.failure(goal, layout, state, reached) == word
    assert task.failure(goal, layout, start_state(layout), (True, True, False)) == "dropped"


def test_a_person_holds_from_the_lift_to_the_end():
    demonstration = record_human("hold", SEEDS[0], size=64)
    name = demonstration.goal.target
    held_s = [demonstration.state(frame).objects[name].held_s for frame in range(demonstration.track.num_frames)]
    lift = next(i for i, value in enumerate(held_s) if value is not None)
    assert 10 < lift < len(held_s) - 2 * demonstration.fps
    np.testing.assert_allclose(held_s[lift:], np.arange(len(held_s) - lift) / demonstration.fps, atol=1e-9)


def test_unknown_task_lists_the_valid_ones():
    with pytest.raises(UnderstudyError, match="unknown task 'puhs': did you mean 'push'"):
        get_task("puhs")
