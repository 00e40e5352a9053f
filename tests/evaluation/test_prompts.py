"""What the prompts of an evaluation show, and that a thinned clip is the whole one with frames left out."""

import numpy as np
import pytest

from understudy.errors import UnderstudyError, UnknownName
from understudy.evaluation.prompts import make_prompt, prompt_clip, shown_by
from understudy.methods import make_policy
from understudy.perception.video import read_frames
from understudy.records import HandTrack, HumanVideo
from understudy.simulation.human import RenderedFrames, record_human

ROBOT = "xarm7_gripper"
TASKS = ("pick_place", "push", "press_button")
SEEDS = range(1_000_000, 1_000_040)
SIZE, FRAMES = 32, 4


@pytest.mark.parametrize("task", TASKS)
def test_a_wrong_prompt_asks_for_something_else_on_the_same_table(task):
    shown_tasks = set()
    for seed in SEEDS:
        right, wrong = shown_by("right", task, seed, TASKS), shown_by("wrong", task, seed, TASKS)
        assert wrong.layout == right.layout
        assert wrong.goal.label != right.goal.label
        shown_tasks.add(wrong.task)
    assert shown_tasks >= set(TASKS) - {task}


@pytest.mark.parametrize("task", TASKS)
def test_a_moved_prompt_asks_for_the_same_thing_elsewhere(task):
    for seed in SEEDS:
        right, moved = shown_by("right", task, seed, TASKS), shown_by("moved", task, seed, TASKS)
        assert (moved.goal.target, moved.goal.place, moved.goal.label) == (
            right.goal.target,
            right.goal.place,
            right.goal.label,
        )
        assert moved.layout.items.keys() == right.layout.items.keys()
        assert moved.layout.item(right.goal.target).xy != right.layout.item(right.goal.target).xy


def test_a_blank_prompt_shows_nothing(tmp_path, still):
    shown = shown_by("blank", "push", SEEDS[0], TASKS)
    assert shown is None
    assert make_prompt(still(ROBOT), shown, False, tmp_path) is None


def test_every_policy_gets_what_it_takes(tmp_path, still, by_heart):
    shown = shown_by("right", "push", SEEDS[0], TASKS)
    assert make_prompt(by_heart(ROBOT), shown, False, tmp_path) == shown.goal.label
    truth = make_prompt(make_policy("kinematic", ROBOT), shown, True, tmp_path)
    assert isinstance(truth, HandTrack)
    assert truth.source == "truth"
    clip = make_prompt(still(ROBOT), shown, False, tmp_path)
    assert isinstance(clip, HumanVideo)
    assert (clip.width, clip.num_frames) == (still.prompt_size, still.prompt_frames)


def test_a_thinned_clip_holds_frames_of_the_whole_one_and_is_made_once(tmp_path):
    shown = shown_by("right", "press_button", SEEDS[1], TASKS)
    clip = prompt_clip(shown, SIZE, FRAMES, tmp_path)
    demo = record_human(shown.task, shown.seed, size=SIZE)
    chosen = tuple(np.linspace(0, demo.track.num_frames - 1, FRAMES).round().astype(int).tolist())
    frames = [image for _, image in read_frames(clip)]
    rendered = list(RenderedFrames(demo, chosen=chosen))
    assert len(frames) == FRAMES
    for found, expected in zip(frames, rendered, strict=True):
        assert np.abs(found.astype(int) - expected).mean() < 6  # of 255: what h264 loses
    length_s = demo.track.time_s[-1]
    assert (clip.num_frames - 1) / clip.fps == pytest.approx(length_s, rel=0.02)
    made = clip.path.stat().st_mtime_ns
    assert prompt_clip(shown, SIZE, FRAMES, tmp_path).path.stat().st_mtime_ns == made


def test_a_prompt_of_one_frame_is_the_first(tmp_path):
    shown = shown_by("right", "press_button", SEEDS[1], TASKS)
    (frame,) = (image.astype(int) for _, image in read_frames(prompt_clip(shown, SIZE, 1, tmp_path)))
    rendered = next(iter(RenderedFrames(record_human(shown.task, shown.seed, size=SIZE), chosen=(0,))))
    assert np.abs(frame - rendered).mean() < 6
    with pytest.raises(UnderstudyError, match="a prompt of 0 frames: needs at least 1"):
        prompt_clip(shown, SIZE, 0, tmp_path)


@pytest.mark.parametrize("kind", ["distractors", "camera_turned", "unseen_person"])
def test_a_mismatch_changes_the_film_and_not_what_it_asks_for(kind, tmp_path):
    right, other = (shown_by(name, "push", SEEDS[0], TASKS) for name in ("right", kind))
    assert (other.task, other.goal) == (right.task, right.goal)
    assert other.digest != right.digest
    films = [prompt_clip(shown, SIZE, 2, tmp_path) for shown in (right, other)]
    first, second = (next(iter(read_frames(film)))[1].astype(int) for film in films)
    assert np.abs(first - second).max() > 40


def test_an_episode_on_an_axis_is_shown_on_it():
    usual, held_out = shown_by("right", "push", SEEDS[0], TASKS), shown_by("right", "push", SEEDS[0], TASKS, "position")
    assert held_out.layout.axis == "position"
    assert held_out.layout != usual.layout


def test_unknown_prompts_are_named():
    with pytest.raises(UnknownName, match="moved"):
        shown_by("backwards", "push", SEEDS[0], TASKS)
