import hashlib
from collections import Counter

import mujoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.embodiments.xhand import XHAND_LIMITS
from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.geometry.rotations import matrix_from_rotation_vector
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.simulation.axes import AXES
from understudy.simulation.cups import (
    BEAD_RADIUS,
    CUP_HEIGHT,
    CUP_RADIUS,
    MUG_HEIGHT,
    MUG_RADIUS,
    NUM_BEADS,
    in_cup,
    in_mug,
    mouth_direction,
    pouring_place,
    set_beads,
    vessel_surface,
)
from understudy.simulation.experts import scripted_expert
from understudy.simulation.experts.cup_grasps import cup_grasp
from understudy.simulation.human import record_human
from understudy.simulation.looks import sample_looks
from understudy.simulation.prompts import moved_layout, same_goal, wrong_prompt
from understudy.simulation.scene import build_scene, tabletop_camera
from understudy.simulation.state import ObjectState, TableState
from understudy.simulation.tabletop import Tabletop
from understudy.simulation.tasks import TASKS, get_task, goal_of

SEEDS = st.integers(0, 2_999_999)
SEED = 4
IMAGE = 256
CUP_TASKS = ("pour", "flip_cup")
UP = np.array([0.0, 0.0, 1.0])
NEEDED_GAP = 0.03


def scene_of(task, seed=SEED):
    layout = get_task(task).sample_layout(seed)
    scene = build_scene(mujoco.MjSpec(), layout, sample_looks(seed))
    data = mujoco.MjData(scene.model)
    mujoco.mj_forward(scene.model, data)
    return scene, data


@pytest.mark.parametrize(("task", "digest"), [("pour", "659538cfbeea8930"), ("flip_cup", "18a00eef6b7ae4a8")])
def test_a_seed_gives_the_same_layout_on_every_machine(task, digest):
    layout = get_task(task).sample_layout(SEED)
    text = repr((layout, goal_of(get_task(task), layout)))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_layouts_are_feasible_and_in_view(seed):
    camera = tabletop_camera(IMAGE)
    radius = {"cup": CUP_RADIUS, "mug": MUG_RADIUS, "fallen_cup": CUP_HEIGHT / 2}
    for name in CUP_TASKS:
        items = list(get_task(name).sample_layout(seed).items.values())
        for i, a in enumerate(items):
            assert 0.35 < np.linalg.norm(a.position) < 0.72
            for b in items[:i]:
                assert np.linalg.norm(a.position - b.position) - radius[a.kind] - radius[b.kind] > NEEDED_GAP
        points = np.array([[*item.xy, z] for item in items for z in (0.0, CUP_HEIGHT)])
        pixels = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), points))
        assert pixels.min() > 0.03 * IMAGE
        assert pixels.max() < 0.97 * IMAGE


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_labels_leave_something_open_and_prompts_can_be_wrong_or_moved(seed):
    for name in CUP_TASKS:
        task = get_task(name)
        layout = task.sample_layout(seed)
        goal = goal_of(task, layout)
        labels = Counter(other.label for other in task.goals(layout))
        assert len(labels) == 2
        assert max(labels.values()) == 2
        assert [other for other in TASKS if get_task(other).goals(layout)] == [name]
        other_task, other = wrong_prompt(name, layout, goal, seed)
        assert other_task == name
        assert other.target != goal.target
        assert other.label != goal.label
        moved = moved_layout(layout, seed)
        assert moved.items.keys() == layout.items.keys()
        assert same_goal(name, goal, moved).target == goal.target


def test_other_layouts_have_neither_cups_nor_their_tasks():
    layout = get_task("push").sample_layout(SEED)
    assert all(get_task(name).goals(layout) == () for name in CUP_TASKS)


@pytest.mark.parametrize("axis", sorted(AXES))
@pytest.mark.parametrize("name", CUP_TASKS)
def test_axes_keep_the_things_and_change_them(name, axis):
    task, seed = get_task(name), 2_000_000
    usual, changed = task.sample_layout(seed), task.sample_layout(seed, axis)
    assert changed.axis == axis
    before, after = ([item.name for item in layout.objects] for layout in (usual, changed))
    assert len(before) == len(after)
    novel_cups = axis == "object_type" and any(item.kind == "cup" for item in usual.objects)
    assert not set(before) & set(after) if novel_cups else before == after
    assert len(task.goals(changed)) == len(task.goals(usual))
    with pytest.raises(UnderstudyError, match="unknown axis"):
        task.sample_layout(seed, "sideways")


def test_beads_start_settled_and_the_same_every_time():
    scene, data = scene_of("pour")
    start = {cup: data.xpos[bodies].copy() for cup, bodies in scene.beads.items()}
    assert [len(beads) for beads in start.values()] == [NUM_BEADS, NUM_BEADS]
    for cup, beads in start.items():
        body = data.body(cup)
        assert in_cup(beads, body.xpos, body.xmat.reshape(3, 3)).all()
        apart = np.linalg.norm(beads[:, None] - beads, axis=-1)[~np.eye(NUM_BEADS, dtype=bool)]
        assert apart.min() > 1.95 * BEAD_RADIUS
    mujoco.mj_step(scene.model, data, 500)
    for cup, bodies in scene.beads.items():
        np.testing.assert_allclose(data.xpos[bodies], start[cup], atol=1e-3)
        np.testing.assert_allclose(data.body(cup).xmat.reshape(3, 3)[2, 2], 1.0, atol=1e-3)
    again, other = scene_of("pour")
    np.testing.assert_array_equal(other.xpos[again.beads[cup]], start[cup])


def test_beads_can_be_put_anywhere_and_stay_in_a_mug():
    scene, data = scene_of("pour")
    mug = scene.layout.plates[0]
    cup, bodies = next(iter(scene.beads.items()))
    rng = np.random.default_rng(0)
    heap = np.concatenate([rng.uniform(-0.02, 0.02, (NUM_BEADS, 2)) + mug.position, np.zeros((NUM_BEADS, 1))], axis=1)
    heap[:, 2] = 0.02 + 0.02 * np.arange(NUM_BEADS)
    set_beads(scene.model, data, bodies, heap)
    mujoco.mj_kinematics(scene.model, data)
    np.testing.assert_allclose(data.xpos[bodies], heap, atol=1e-12)
    mujoco.mj_step(scene.model, data, 700)
    inside = in_mug(data.xpos[bodies], mug.position)
    assert inside.mean() > 0.9
    assert data.xpos[bodies][inside][:, 2].min() > 0.9 * BEAD_RADIUS
    assert in_mug(np.array([[*mug.xy, MUG_HEIGHT + 0.01], [*mug.xy, 0.02]]), mug.position).tolist() == [False, True]
    assert cup not in {name for name, thing in scene.layout.items.items() if thing.kind == "mug"}


def test_a_lying_cup_rests_and_its_mouth_is_where_its_frame_says():
    scene, data = scene_of("flip_cup")
    start = data.qpos.copy()
    mujoco.mj_step(scene.model, data, 500)
    np.testing.assert_allclose(data.qpos, start, atol=2e-3)
    for item in scene.layout.objects:
        body = scene.model.body(item.name)
        mouth = mouth_direction(data.body(item.name).xmat.reshape(3, 3))
        np.testing.assert_allclose(mouth, [np.cos(item.yaw), np.sin(item.yaw), 0.0], atol=0.01)
        # The foot is heavy, the mouth is open: the centre of mass lies on the foot's side.
        assert body.ipos[0] < -0.003


def test_the_seen_surface_is_closed_and_as_large_as_the_cup():
    vertices, faces = vessel_surface(CUP_RADIUS, CUP_HEIGHT)
    edges = Counter(tuple(sorted((int(a), int(b)))) for f in faces for a, b in zip(f, np.roll(f, 1), strict=True))
    assert set(edges.values()) == {2}
    assert np.linalg.norm(vertices[:, :2], axis=1).max() == pytest.approx(CUP_RADIUS)
    assert np.ptp(vertices[:, 2]) == pytest.approx(CUP_HEIGHT)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    wall, floor = 0.003, 0.004
    solid = np.pi * (CUP_RADIUS**2 * CUP_HEIGHT - (CUP_RADIUS - wall) ** 2 * (CUP_HEIGHT - floor))
    assert volume == pytest.approx(solid, rel=0.05)


@pytest.mark.parametrize("tilt", [0.1, 0.8, 1.5, 2.3])
@pytest.mark.parametrize("lean", [0.0, 1.6, -2.0])
def test_a_poured_cup_has_its_lowest_rim_over_the_mug_and_clears_it(tilt, lean):
    """Outside oracle: points sampled all around the rim and the foot."""
    mug = np.array([0.6, -0.1])
    direction = np.array([np.cos(lean), np.sin(lean), 0.0])
    R = matrix_from_rotation_vector(tilt * np.cross(UP, direction))
    centre = pouring_place(mug, R @ UP)
    angle = np.linspace(0, 2 * np.pi, 721)
    ring = CUP_RADIUS * np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    rim, foot = ((ring + z * UP) @ R.T + centre for z in (CUP_HEIGHT / 2, -CUP_HEIGHT / 2))
    lip = rim[rim[:, 2].argmin()]
    assert np.linalg.norm(lip[:2] - mug) < 0.02
    assert min(lip[2], foot[:, 2].min()) > MUG_HEIGHT + 0.01
    assert (lip[:2] - mug) @ direction[:2] < 0


def pour_state(layout, goal, inside, rest="cup", **changes):
    cup = layout.item(goal.target)
    places = {
        "cup": [*cup.xy, 0.03],
        "table": [0.5, 0.0, BEAD_RADIUS],
        "other": [*next(mug for mug in layout.plates if mug.name != goal.place).xy, 0.02],
    }
    beads = np.array([[*goal.place_xy, 0.02]] * inside + [places[rest]] * (NUM_BEADS - inside))
    objects = {item.name: ObjectState(np.array([*item.xy, CUP_HEIGHT / 2]), np.eye(3)) for item in layout.objects}
    objects[goal.target] = ObjectState(np.array([*cup.xy, changes.get("z", CUP_HEIGHT / 2)]), np.eye(3), touched=True)
    others = {item.name: np.array([[*goal.place_xy, 0.02]] * NUM_BEADS) for item in layout.objects if item != cup}
    return TableState(objects, fingertips=np.full((5, 3), 0.9), beads={goal.target: beads} | others)


def test_pour_fires_from_six_beads_in_ten_of_the_right_cup_in_the_right_mug():
    task = get_task("pour")
    layout = task.sample_layout(SEED)
    goal = goal_of(task, layout)
    for inside in range(NUM_BEADS + 1):
        state = pour_state(layout, goal, inside, "table")
        assert task.reached(goal, layout, state)[-1] == (inside >= 0.6 * NUM_BEADS)
    lifted = pour_state(layout, goal, 0, z=0.10)
    assert task.reached(goal, layout, lifted) == (True, True, False)
    seen = (True, True, False)
    assert task.failure(goal, layout, pour_state(layout, goal, 2, "other"), seen) == "wrong_mug"
    assert task.failure(goal, layout, pour_state(layout, goal, 2, "table"), seen) == "spilled"
    assert task.failure(goal, layout, pour_state(layout, goal, 2, "cup"), seen) == "not_poured"
    assert task.failure(goal, layout, pour_state(layout, goal, 0), (True, False, False)) == "not_grasped"


@pytest.mark.parametrize(
    ("tilt", "height", "changes", "fires", "word"),
    [
        (90, CUP_HEIGHT / 2, {}, True, ""),
        (84, CUP_HEIGHT / 2, {}, True, ""),
        (75, CUP_HEIGHT / 2, {}, False, "fell_over"),
        (90, CUP_HEIGHT / 2 + 0.02, {}, False, "fell_over"),
        (90, CUP_HEIGHT / 2, {"touched": True}, False, "not_released"),
        (90, CUP_HEIGHT / 2, {"speed": 0.1}, False, "fell_over"),
        (-90, CUP_HEIGHT / 2, {}, False, "upside_down"),
    ],
)
def test_flip_cup_fires_on_a_cup_that_stands_on_its_foot(tilt, height, changes, fires, word):
    task = get_task("flip_cup")
    layout = task.sample_layout(SEED)
    goal = goal_of(task, layout)

    def state(target):
        lying = {item.name: ObjectState(np.array([*item.xy, CUP_RADIUS]), np.eye(3)) for item in layout.objects}
        R = matrix_from_rotation_vector(np.array([0.0, -np.radians(tilt), 0.0]))
        standing = ObjectState(np.array([*goal.place_xy, height]), R, **changes)
        return TableState(lying | {target: standing}, fingertips=np.full((5, 3), 0.9))

    reached = task.reached(goal, layout, state(goal.target))
    assert reached[-1] == fires
    if not fires:
        assert task.failure(goal, layout, state(goal.target), (True, True, False)) == word
    other = next(item.name for item in layout.objects if item.name != goal.target)
    if fires:
        assert not task.reached(goal, layout, state(other))[-1]
        assert task.failure(goal, layout, state(other), (False, False, False)) == "wrong_cup"


def test_beads_ride_in_a_person_s_cup_and_fall_into_the_mug():
    demo = record_human("pour", SEED, size=64)
    name = demo.goal.target
    path, T = demo.bead_paths[name], demo.object_poses[name]
    assert path.shape == (demo.track.num_frames, NUM_BEADS, 3)
    still = T[:, 2, 2] > np.cos(0.3)
    first_tilt = int(np.flatnonzero(~still)[0])
    for frame in range(0, first_tilt, 5):
        assert in_cup(path[frame], T[frame, :3, 3], T[frame, :3, :3]).all()
    assert T[first_tilt - 1, 2, 3] > 0.10
    assert in_mug(path[-1], demo.goal.place_position).mean() >= 0.6
    assert path[..., 2].min() > 0.5 * BEAD_RADIUS
    # Nothing but gravity makes a bead fast.
    assert np.linalg.norm(np.diff(path, axis=0), axis=-1).max() * demo.fps < 2.0
    other = next(cup for cup in demo.bead_paths if cup != name)
    np.testing.assert_array_equal(demo.bead_paths[other][0], demo.bead_paths[other][-1])
    assert in_mug(demo.state(0).beads[name], demo.goal.place_position).sum() == 0


def test_touching_means_the_hand_and_not_the_beads():
    table = Tabletop("pour", SEED, "xarm7_xhand", 32)
    table.reset()
    assert not any(thing.touched for thing in table.state.objects.values())
    table.close()


@pytest.mark.parametrize("kind", ["cup", "fallen_cup"])
def test_postures_of_the_hand_are_possible(kind):
    grasp = cup_grasp("xarm7_xhand", kind)
    for posture in (grasp.opened, grasp.closed):
        assert (posture >= XHAND_LIMITS[:, 0]).all()
        assert (posture <= XHAND_LIMITS[:, 1]).all()


def test_robots_that_take_no_cups_are_told():
    table = Tabletop("flip_cup", SEED, "xarm7_allegro", 32)
    table.reset()
    with pytest.raises(UnderstudyError, match=r"takes cups 'xarm7_allegro'.*xarm7_xhand"):
        next(scripted_expert(table))
    table.close()
