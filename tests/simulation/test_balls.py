import hashlib
from collections import Counter
from dataclasses import replace

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.embodiments.xhand import XHAND_LIMITS
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.simulation.axes import AXES
from understudy.simulation.balls import LINE_HALF_LENGTH, passes, rolling_deceleration
from understudy.simulation.experts import scripted_expert
from understudy.simulation.experts.flick_ball import flick_of
from understudy.simulation.experts.script import Script, sites_in_wrist
from understudy.simulation.human import record_human
from understudy.simulation.human_pose import hand_rotation
from understudy.simulation.layout import HALF_WIDTH, PLATE_RADIUS, Item
from understudy.simulation.looks import sample_looks
from understudy.simulation.prompts import moved_layout, same_goal, wrong_prompt
from understudy.simulation.rendering import SceneRenderer
from understudy.simulation.scene import build_scene, tabletop_camera
from understudy.simulation.state import ObjectState, TableState, carried
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import TASKS, get_task, goal_of

SEEDS = st.integers(0, 1_999_999)
SEED = 1_000_004
IMAGE = 256
TASK = get_task("flick_ball")
NEEDED_GAP = 0.03
LINE = Item("line_0", "line", "white", (0.5, 0.1), yaw=0.4)
NORMAL, ALONG = np.array([np.cos(0.4), np.sin(0.4)]), np.array([-np.sin(0.4), np.cos(0.4)])
FAR_TIPS = np.full((5, 3), 0.9)
WHITE = 200


def scene_of(seed):
    scene = build_scene(mujoco.MjSpec(), TASK.sample_layout(seed), sample_looks(seed))
    data = mujoco.MjData(scene.model)
    mujoco.mj_forward(scene.model, data)
    return scene, data


def balls_of(layout):
    return [item for item in layout.objects if item.kind == "ball"]


def test_a_seed_gives_the_same_layout_on_every_machine():
    layout = TASK.sample_layout(SEED)
    text = repr((layout, layout.lines, goal_of(TASK, layout)))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "d3e8d9c3cc7b3c35"


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_layouts_are_feasible_and_in_view(seed):
    layout = TASK.sample_layout(seed)
    assert [len(balls_of(layout)), len(layout.objects), len(layout.lines)] == [2, 3, 2]
    radius = {"plate": PLATE_RADIUS, "button": 0.05, "line": LINE_HALF_LENGTH, "ball": HALF_WIDTH}
    items = list(layout.items.values())
    for i, a in enumerate(items):
        assert 0.35 < np.linalg.norm(a.position) < 0.75
        for b in items[:i]:
            gap = np.linalg.norm(a.position - b.position)
            gap -= sum(radius.get(item.kind, HALF_WIDTH * np.sqrt(2)) for item in (a, b))
            marks = "line" in (a.kind, b.kind) or {a.kind, b.kind} <= {"plate", "button"}
            assert gap > (0.0 if marks else NEEDED_GAP), (a, b)
    camera = tabletop_camera(IMAGE)
    points = np.array([[*item.xy, z] for item in items for z in (0.0, 0.07)])
    pixels = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), points))
    assert pixels.min() > 0.03 * IMAGE
    assert pixels.max() < 0.97 * IMAGE


@given(SEEDS, st.sampled_from([None, *sorted(AXES)]))
@settings(max_examples=60, deadline=None)
def test_nothing_lies_in_a_ball_s_way_to_a_line(seed, axis):
    layout = TASK.sample_layout(seed, axis)
    for goal in TASK.goals(layout):
        ball, line = layout.item(goal.target), layout.item(goal.place)
        way = line.position - ball.position
        # All of the ball is beyond an oblique line a little after its centre is.
        end = line.position + 1.5 * ball.half_width * way / np.linalg.norm(way)
        assert passes(line, ball.position, end, ball.half_width)
        for other in (*layout.objects, *layout.buttons, *layout.distractors):
            if other != ball:
                nearest = min(np.linalg.norm(ball.position + s * (end - ball.position) - other.position) for s in STEPS)
                assert nearest > ball.half_width + HALF_WIDTH * 1.1 + 0.005, (goal, other)


STEPS = np.linspace(0, 1, 50)


@given(SEEDS, st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_labels_leave_the_line_open_and_prompts_can_be_wrong_or_moved(seed, choice):
    layout = TASK.sample_layout(seed)
    labels = Counter(goal.label for goal in TASK.goals(layout))
    assert list(labels.values()) == [2, 2]
    possible = {name for name in TASKS if get_task(name).goals(layout)}
    assert possible == {"pick_place", "press_button", "hold", "flick_ball"}
    moved = moved_layout(layout, choice)
    assert moved == moved_layout(layout, choice)
    for name, item in layout.items.items():
        assert (moved.item(name).kind, moved.item(name).colour) == (item.kind, item.colour)
        assert moved.item(name).xy != item.xy
    for goal in TASK.goals(layout):
        other_task, other = wrong_prompt("flick_ball", layout, goal, choice)
        assert other in get_task(other_task).goals(layout)
        assert other.label != goal.label
        assert wrong_prompt("flick_ball", layout, goal, choice, ["flick_ball"])[1].target != goal.target
        assert same_goal("flick_ball", goal, moved).label == goal.label
    # Balls change with balls alone, so that every line stays before them.
    places = TASK.sample_layout(seed).objects
    assert [item.kind == "ball" for item in places].count(True) == 2
    ys, lines = ([item.xy[1] for item in items] for items in (balls_of(moved), moved.lines))
    assert abs(np.mean(ys) - np.mean(lines)) < 0.015


def test_usual_layouts_and_cups_have_no_balls():
    for name in TASKS:
        if name != "flick_ball":
            layout = get_task(name).sample_layout(SEED)
            assert TASK.goals(layout) == ()
            assert layout.lines == ()


@pytest.mark.parametrize("axis", sorted(AXES))
def test_axes_keep_the_things_and_change_them(axis):
    usual, changed = (TASK.sample_layout(SEED, name) for name in (None, axis))
    assert changed.axis == axis
    kinds = [item.kind for item in usual.objects if item.kind == "ball"]
    assert [item.kind for item in changed.objects if item.kind == "ball"] == kinds
    assert changed.lines == usual.lines
    assert len(TASK.goals(changed)) == len(TASK.goals(usual)) == 4
    if axis == "instance":
        assert all(ball.scale[0] == ball.scale[1] != 1.0 for ball in balls_of(changed))
    if axis == "position":
        assert all(0.36 <= ball.xy[0] <= 0.39 for ball in balls_of(changed))


@given(st.floats(-0.3, 0.3), st.floats(-0.2, 0.2), st.floats(-0.3, 0.3), st.floats(-0.2, 0.2))
def test_a_line_is_passed_between_its_ends_in_its_direction(ahead, beside, beyond, aside):
    """Outside oracle: the ball's way in the line's own axes, cut by NumPy's interpolation."""
    start, end = ((LINE.position + n * NORMAL + t * ALONG) for n, t in ((-ahead, beside), (beyond, aside)))
    radius = 0.025
    expected = False
    if ahead > 0 and beyond >= radius:
        expected = abs(np.interp(0.0, [-ahead, beyond], [beside, aside])) < LINE_HALF_LENGTH
    near_a_limit = min(abs(ahead), abs(beyond - radius)) < 1e-9
    assert passes(LINE, start, end, radius) == expected or near_a_limit


@pytest.mark.parametrize("seed", [SEED, 3])
def test_a_ball_lies_still_by_itself(seed):
    scene, data = scene_of(seed)
    start = data.qpos.copy()
    mujoco.mj_step(scene.model, data, 3000)
    np.testing.assert_allclose(data.qpos, start, atol=1e-3)


@pytest.mark.parametrize(("speed", "angle"), [(0.3, 0.0), (0.5, 2.5)])
def test_a_rolling_ball_stops_where_its_friction_says(speed, angle):
    """Outside oracle: MuJoCo's contact against v^2 / 2a."""
    scene, data = scene_of(SEED)
    ball = balls_of(scene.layout)[0]
    joint, direction = data.joint(ball.name), np.array([np.cos(angle), np.sin(angle), 0.0])
    joint.qpos[:2] = start = np.array([0.45, -0.4])
    joint.qvel[:] = [*speed * direction, *np.cross([0, 0, 1.0], direction) * speed / HALF_WIDTH]
    mujoco.mj_step(scene.model, data, 1000)
    assert np.linalg.norm(joint.qvel) < 1e-3
    way = joint.qpos[:2] - start
    expected = speed**2 / (2 * rolling_deceleration(HALF_WIDTH))
    assert way @ direction[:2] == pytest.approx(expected, rel=0.08)
    assert 0.08 < expected < 0.35


def test_balls_and_lines_are_seen_where_they_are():
    scene, data = scene_of(SEED)
    renderer = SceneRenderer(scene.model, IMAGE)
    image = renderer.render(data).astype(float)
    renderer.close()
    camera = tabletop_camera(IMAGE)
    for line in scene.layout.lines:
        across = np.array([-np.sin(line.yaw), np.cos(line.yaw)])
        for s in (-0.7, 0.0, 0.7):
            point = np.array([[*(line.position + s * LINE_HALF_LENGTH * across), 0.0]])
            u, v = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), point))[0]
            assert image[round(float(v)) - 1 : round(float(v)) + 2, round(float(u))].min(axis=-1).max() > WHITE


def state(layout, goal, at, tips=FAR_TIPS, z=HALF_WIDTH, carried_m=0.0, touched=False, other_at=None):
    objects = {item.name: ObjectState(np.array([*item.xy, item.half_height]), np.eye(3)) for item in layout.objects}
    objects[goal.target] = ObjectState(np.array([*at, z]), np.eye(3), touched=touched)
    other = next(ball.name for ball in balls_of(layout) if ball.name != goal.target)
    if other_at is not None:
        objects[other] = ObjectState(np.array([*other_at, HALF_WIDTH]), np.eye(3))
    return TableState(objects, fingertips=tips, carried_m={goal.target: carried_m} if carried_m else {})


@pytest.mark.parametrize(
    ("share", "changes", "fires", "word"),
    [
        (1.25, {}, True, ""),
        (2.5, {}, True, ""),
        (1.02, {}, False, "short"),
        (0.5, {}, False, "short"),
        (0.0, {}, False, "not_flicked"),
        (1.25, {"touched": True}, False, "not_released"),
        (1.25, {"z": HALF_WIDTH + 0.02}, False, "not_released"),
        (1.25, {"carried_m": 0.05}, True, ""),
        (1.25, {"carried_m": 0.07}, False, "carried"),
        (0.0, {"carried_m": 0.07}, False, "carried"),
    ],
)
def test_flick_ball_fires_beyond_its_line_on_the_table_and_not_carried(share, changes, fires, word):
    for seed in (3, SEED):
        layout = TASK.sample_layout(seed)
        for goal in TASK.goals(layout):
            start = layout.item(goal.target).position
            now = state(layout, goal, start + share * (goal.place_position - start), **changes)
            reached = TASK.reached(goal, layout, now)
            assert reached == (fires, fires)
            if not fires:
                assert TASK.failure(goal, layout, now, (True, False)) == word


def test_the_other_line_another_ball_and_a_near_finger_are_told_apart():
    layout = TASK.sample_layout(SEED)
    goal = goal_of(TASK, layout)
    start = layout.item(goal.target).position
    twin = next(other for other in TASK.goals(layout) if other.label == goal.label and other != goal)
    other_line = state(layout, goal, start + 1.3 * (twin.place_position - start))
    assert not TASK.reached(goal, layout, other_line)[-1]
    assert TASK.reached(twin, layout, other_line)[-1]
    assert TASK.failure(goal, layout, other_line, (True, False)) == "wrong_line"
    other_ball = state(layout, goal, start, other_at=goal.place_xy)
    assert TASK.failure(goal, layout, other_ball, (False, False)) == "wrong_ball"
    outer = next(line for line in layout.lines if line.name == goal.place)
    side = np.array([np.cos(outer.yaw), np.sin(outer.yaw)]) * 0.06
    along = np.array([-np.sin(outer.yaw), np.cos(outer.yaw)]) * 0.09 * np.sign(outer.yaw)
    aside = state(layout, goal, outer.position + side + along)
    assert TASK.failure(goal, layout, aside, (True, False)) == "aside"
    near = state(layout, goal, start, tips=np.array([[*start - [0.06, 0.0], HALF_WIDTH]]))
    assert TASK.reached(goal, layout, near) == (True, False)
    nearly = state(layout, goal, start, tips=np.array([[*start - [0.07, 0.0], HALF_WIDTH]]))
    assert TASK.reached(goal, layout, nearly) == (False, False)


def test_what_goes_along_with_the_hand_adds_up_and_a_strike_does_not():
    def at(x, touched, carried_m=None):
        return TableState(
            {"ball": ObjectState(np.array([x, 0.0, 0.0]), np.eye(3), touched=touched)}, carried_m=carried_m or {}
        )

    now = at(0.0, False)
    for x, touched in ((0.0, True), (0.03, True), (0.07, True), (0.12, False), (0.2, False), (0.21, True)):
        after = at(x, touched)
        now = replace(after, carried_m=carried(now, after))
    assert now.carried_m == {"ball": pytest.approx(0.07)}
    assert carried(at(0.0, True), at(0.1, False)) == carried(at(0.0, False), at(0.1, True)) == {}


def test_a_ball_that_the_arm_rolls_over_its_line_is_carried():
    """The same hand, its finger stretched already, moves forward behind the ball."""
    layout = TASK.sample_layout(SEED)
    ball = balls_of(layout)[0]
    goal = min(
        (goal for goal in TASK.goals(layout) if goal.target == ball.name),
        key=lambda goal: abs(goal.place_xy[1] - ball.xy[1]),
    )
    table = Tabletop("flick_ball", SEED, "xarm7_xhand", goal=goal)
    table.reset(observe=False)
    flick = flick_of("xarm7_xhand")
    upright = flick.bent + flick.contact * (flick.stretched - flick.bent)
    script, R = Script(table, upright), hand_rotation(0.0, flick.pitch, 0.0)
    point = sites_in_wrist(table, upright, (flick.site,))
    behind = np.array([ball.xy[0] - 0.06, ball.xy[1], flick.tip_z])
    ways = [(0.0, 0.09, 0.3), (0.0, 0.0, 0.12), (0.22, 0.0, 0.12), (0.16, 0.0, 0.3)]
    for forward, up, speed in ways:
        place = behind + np.array([forward, 0.0, up])
        for action in script.go(script.wrist_for(place, R, point), speed):
            table.step(action, observe=False)
    state_now = table.state
    assert passes(layout.item(goal.place), ball.position, state_now.objects[ball.name].position[:2], HALF_WIDTH)
    assert not state_now.objects[ball.name].touched
    assert not table.success()
    assert table.failure() == "carried"
    table.reset(observe=False)
    assert table.state.carried_m == {}
    table.close()


def test_the_robot_strikes_with_its_finger_and_a_still_arm():
    table = Tabletop("flick_ball", SEED, "xarm7_xhand")
    table.reset(observe=False)
    name = table.goal.target
    start, wrists, moved = table.state.objects[name].position, [], []
    for action in scripted_expert(table):
        table.step(action, observe=False)
        wrists.append(table.data.site("wrist").xpos.copy())
        moved.append(np.linalg.norm(table.state.objects[name].position - start))
        if table.success():
            break
    assert table.success()
    struck = int(np.flatnonzero(np.array(moved) > 0.002)[0])
    assert max(moved[: struck - 1]) < 1e-4
    assert np.linalg.norm(np.diff(wrists[struck - 3 :], axis=0), axis=1).max() < 0.003
    assert table.state.carried_m.get(name, 0.0) < 0.04
    table.close()


@pytest.mark.parametrize("handedness", ["right", "left"])
@pytest.mark.parametrize("seed", range(4))
def test_the_person_s_finger_strikes_and_does_not_reach_into_the_ball(seed, handedness):
    demo = record_human("flick_ball", seed, size=64, fps=60.0, handedness=handedness)
    T = demo.object_poses[demo.goal.target]
    way = np.linalg.norm(T[:, :2, 3] - T[0, :2, 3], axis=1)
    radius = demo.layout.item(demo.goal.target).half_width
    np.testing.assert_allclose(T[:, 2, 3], radius, atol=1e-12)
    struck = int(np.flatnonzero(way > 1e-6)[0])
    tips = np.stack([demo.keypoints_world(i)[[8, 12]] for i in range(len(T))])
    finger = int(np.linalg.norm(tips[struck] - T[struck, :3, 3], axis=1).argmin())
    clear = np.linalg.norm(tips[:, finger] - T[:, :3, 3], axis=1)
    assert clear.min() > radius + 0.004
    assert clear[struck - 1] < radius + 0.02
    # The finger stretches while the wrist stays: tremor alone moves it.
    wrist = demo.wrist_qpos[struck - 6 : struck + 3, :3]
    assert np.linalg.norm(wrist - wrist[0], axis=1).max() < 0.002
    assert np.linalg.norm(np.diff(tips[struck - 6 : struck + 3, finger], axis=0), axis=1).max() * demo.fps > 0.3
    # A ball that rolls turns by its way over its radius.
    rolled = int(np.flatnonzero(way > 0.05)[0])
    turn = T[rolled, :3, :3] @ T[0, :3, :3].T
    assert np.arccos((np.trace(turn) - 1) / 2) == pytest.approx(way[rolled] / radius, rel=1e-6)
    slower = np.diff(way[struck:])
    assert (np.diff(slower[1:]) < 1e-9).all()


def test_people_use_either_finger_and_ways_of_their_own():
    demos = [record_human("flick_ball", seed, size=64) for seed in range(8, 16)]
    fingers = set()
    for demo in demos:
        T = demo.object_poses[demo.goal.target]
        struck = int(np.flatnonzero(np.linalg.norm(np.diff(T[:, :2, 3], axis=0), axis=1) > 1e-6)[0])
        tips = demo.keypoints_world(struck)[[8, 12]]
        fingers.add(int(np.linalg.norm(tips - T[struck, :3, 3], axis=1).argmin()))
    assert fingers == {0, 1}
    assert len({len(demo.track.time_s) for demo in demos}) > 4


@pytest.mark.parametrize("axis", ["position", "scene", "instance", "object_type", "combination"])
def test_a_person_and_a_robot_do_it_where_things_differ(axis):
    shown = record_human("flick_ball", SEED, size=64, axis=axis)
    assert TASK.reached(shown.goal, shown.layout, shown.final_state)[-1]
    table = Tabletop("flick_ball", SEED, "xarm7_xhand", axis=axis)
    table.reset(observe=False)
    for action in scripted_expert(table):
        table.step(action, observe=False)
    assert table.success(), table.failure()
    table.close()


def test_doing_what_a_wrong_prompt_shows_fulfils_no_goal_of_the_label():
    layout = TASK.sample_layout(SEED)
    for goal in TASK.goals(layout):
        for choice in range(4):
            other_task, other = wrong_prompt("flick_ball", layout, goal, choice)
            end = record_human(other_task, SEED, size=64, goal=other, layout=layout).final_state
            assert get_task(other_task).reached(other, layout, end)[-1]
            for same_words in (g for g in TASK.goals(layout) if g.label == goal.label):
                assert not TASK.reached(same_words, layout, end)[-1]


def test_postures_of_the_hand_are_possible_and_other_robots_are_named():
    flick = flick_of("xarm7_xhand")
    for posture in (flick.bent, flick.stretched):
        assert (posture >= XHAND_LIMITS[:, 0]).all()
        assert (posture <= XHAND_LIMITS[:, 1]).all()
    with pytest.raises(UnderstudyError, match=r"robot that flicks 'xarm7_allegro'.*xarm7_xhand"):
        flick_of("xarm7_allegro")
