"""Each check finds its fault, at its place, and nothing in the same data set without it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from understudy.episodes.check import CHECKS
from understudy.episodes.check.detected_hand import find_with_detector
from understudy.episodes.check.jumps import _turning
from understudy.episodes.features import scalar, vector

IMAGE = "observation.images.front"


def change(name, rows, values, episode=1):
    """Spoils rows of one column of one episode."""

    def spoil(episodes):
        episodes[episode].columns[name][rows] = values

    return spoil


@pytest.mark.parametrize("name", CHECKS)
def test_clean_data_sets_are_clean(name, robot, person):
    subjects = [robot(folder="xarm7_gripper"), robot(folder="xarm7_xhand", name="xarm7_xhand"), person()]
    assert list(CHECKS[name](subjects)) == []


# The hand


def test_a_hand_that_the_tracker_does_not_see(person, places):
    subject = person(change("tracked.valid", slice(0, 8), False))
    assert places(CHECKS["hidden_hand"]([subject])) == [("hidden_hand", 1, "tracked.valid")]


def test_a_hand_outside_the_image(person, places):
    def leave(episodes):
        episodes[0].columns["truth.keypoints"][3:] += 2.0

    assert places(CHECKS["hidden_hand"]([person(leave, masked=False)])) == [("hidden_hand", 0, IMAGE)]


def test_a_robot_s_data_set_needs_no_hand(robot):
    def watched_by_a_tracker(episodes):
        for episode in episodes:
            episode.columns["tracked.valid"] = np.zeros(12, dtype=bool)
            episode.features["tracked.valid"] = scalar("bool")

    assert list(CHECKS["hidden_hand"]([robot(watched_by_a_tracker)])) == []


def bare(episodes):
    """Without anything that tells where the hand is."""
    for episode in episodes:
        for name in ("truth.keypoints", "tracked.valid"):
            del episode.columns[name], episode.features[name]


@pytest.fixture
def detector(monkeypatch):
    """Stands for the hand detector: finds hands that differ from the grey table, if they pass `accepts`."""
    settings = {"accepts": lambda rgb: True}

    def detect(timed):
        frames = [frame for _, frame in timed]
        pixels = np.full((len(frames), 2, 21, 2), np.nan)
        for row, frame in enumerate(frames):
            columns = np.flatnonzero(np.abs(frame[15].astype(int) - 128).max(axis=1) > 30)
            if len(columns) and settings["accepts"](frame[15, int(columns.mean())].astype(int)):
                pixels[row, 0] = (columns.mean(), 15)
        return type("Detections", (), {"pixels": pixels})

    monkeypatch.setattr("understudy.perception.hand_landmarker.detect_hands", detect)
    return settings


def without_hand(episodes):
    bare(episodes)
    episodes[0].frames[2:] = 128


def test_the_detector_is_asked_where_nothing_else_tells(detector, person, places):
    subject = person(without_hand)
    assert list(CHECKS["hidden_hand"]([subject])) == []
    assert places(find_with_detector([subject])) == [("hidden_hand", 0, IMAGE)]
    assert list(find_with_detector([person(bare, folder="clean")])) == []


def blue(episodes):
    bare(episodes)
    swap(0, 1)(episodes)


def test_detected_hands_that_are_blue(detector, person, places):
    assert places(find_with_detector([person(blue)])) == [("swapped_colours", None, IMAGE)]


def test_hands_that_are_detected_only_with_the_colours_put_right(detector, person, places):
    detector["accepts"] = lambda rgb: rgb[0] > rgb[2]
    assert places(find_with_detector([person(blue)])) == [("swapped_colours", i, IMAGE) for i in (0, 1)]


def test_the_detector_is_not_asked_where_labels_tell(detector, person, monkeypatch):
    monkeypatch.setattr("understudy.perception.hand_landmarker.detect_hands", None)
    assert list(find_with_detector([person()])) == []


# Pictures


def test_a_video_that_never_changes(robot, places):
    def freeze(episodes):
        episodes[1].frames[:] = episodes[1].frames[0]

    assert places(CHECKS["static_frames"]([robot(freeze)])) == [("static_frames", 1, IMAGE)]


def test_a_picture_that_freezes_while_the_robot_moves(robot, places):
    def freeze(episodes):
        episodes[0].frames[5:] = episodes[0].frames[5]

    found = list(CHECKS["static_frames"]([robot(freeze)]))
    assert places(found) == [("static_frames", 0, IMAGE)]
    assert "from frame 5 to 11" in found[0].message


def test_a_robot_that_waits_is_no_fault(robot):
    def wait(episodes):
        episodes[0].frames[5:] = episodes[0].frames[5]
        for name in ("observation.state", "action"):
            episodes[0].columns[name][5:] = episodes[0].columns[name][5]

    assert list(CHECKS["static_frames"]([robot(wait)])) == []


def swap(*which):
    def spoil(episodes):
        for index in which:
            episodes[index].frames = np.ascontiguousarray(episodes[index].frames[..., ::-1])

    return spoil


def test_red_and_blue_exchanged_everywhere(robot, person, places):
    assert places(CHECKS["swapped_colours"]([robot(swap(0, 1))])) == [("swapped_colours", None, IMAGE)]
    assert places(CHECKS["swapped_colours"]([person(swap(0, 1))])) == [("swapped_colours", None, IMAGE)]


def test_red_and_blue_exchanged_in_one_episode(robot, places):
    subject = robot(swap(2), seeds=(0, 1, 2, 3, 4))
    assert places(CHECKS["swapped_colours"]([subject])) == [("swapped_colours", 2, IMAGE)]


def forget_layout(episodes):
    for episode in episodes:
        del episode.metadata["layout"]


@pytest.mark.parametrize("tone", [(205, 155, 130), (120, 78, 60), (62, 40, 32), (250, 215, 200)])
def test_skin_of_every_tone_tells(tone, person, places):
    def colour(episodes):
        for episode in episodes:
            episode.frames[(episode.frames == (205, 155, 130)).all(-1)] = tone

    def both(episodes):
        colour(episodes)
        forget_layout(episodes)

    def exchanged(episodes):
        both(episodes)
        swap(0, 1)(episodes)

    assert list(CHECKS["swapped_colours"]([person(both)])) == []
    assert places(CHECKS["swapped_colours"]([person(exchanged, folder="bgr")])) == [("swapped_colours", None, IMAGE)]


def test_nothing_is_said_of_colours_that_nobody_knows(robot):
    def unknown(episodes):
        forget_layout(episodes)
        swap(0, 1)(episodes)

    assert list(CHECKS["swapped_colours"]([robot(unknown)])) == []


# Quaternions


def flip(name, rows, first=3):
    def spoil(episodes):
        episodes[1].columns[name][rows, first : first + 4] *= -1

    return spoil


def test_a_quaternion_that_flips_along_time(robot, places):
    subject = robot(flip("observation.state", slice(4, 6)), name="xarm7_xhand")
    found = list(CHECKS["quaternion_signs"]([subject]))
    assert ("quaternion_signs", 1, "observation.state") in places(found)
    assert "changes sign 2 times, first in frame 4" in found[0].message


def test_a_quaternion_on_the_other_side_than_its_state(robot, places):
    subject = robot(flip("action", slice(None)), name="xarm7_xhand")
    found = list(CHECKS["quaternion_signs"]([subject]))
    assert places(found) == [("quaternion_signs", 1, "action")]
    assert "other sign than in observation.state in 12 frames" in found[0].message


def test_quaternions_without_names_are_found_by_their_length(robot, places):
    def unnamed(episodes):
        turns = Rotation.from_rotvec(np.linspace([0.1, 0.2, 0.3], [1.0, 0.5, 0.9], 12)).as_quat()
        for episode in episodes:
            episode.columns["eef"] = np.concatenate([np.linspace(0, 1, 12)[:, None], turns], axis=1)
            episode.features["eef"] = vector(tuple("abcde"))
        episodes[0].columns["eef"][6:, 1:] *= -1

    assert places(CHECKS["quaternion_signs"]([robot(unnamed)])) == [("quaternion_signs", 0, "eef")]


def test_fillers_are_no_flips(robot):
    def masked(episodes):
        for episode in episodes:
            episode.columns["q"] = np.tile([0.8, 0.6, 0.0, 0.0], (12, 1))
            episode.columns["q"][5] *= -1
            episode.columns["q.valid"] = np.arange(12) != 5
            episode.features |= {"q": vector(("qw", "qx", "qy", "qz"), mask="q.valid"), "q.valid": scalar("bool")}

    assert list(CHECKS["quaternion_signs"]([robot(masked)])) == []


# Motion


def test_a_wrist_that_jumps(robot, places):
    found = list(CHECKS["jumps"]([robot(change("action", (6, 1), 0.45))]))
    assert places(found) == [("jumps", 1, "action")]
    assert "wrist speed [m/s] is 4.5 in frame 6, more than 3 (2 frames)" in found[0].message


def test_a_finger_that_jumps(robot, places):
    subject = robot(change("action", (6, 11), 1.9), name="xarm7_xhand")
    assert places(CHECKS["jumps"]([subject])) == [("jumps", 1, "action")]


def test_a_gripper_may_close_at_once(robot):
    assert list(CHECKS["jumps"]([robot(change("action", (slice(3, None), 6), 0.0))])) == []


def test_an_unknown_robot_s_jump_stands_out(robot, places):
    def rename(episodes):
        for episode in episodes:
            episode.features["action"] = vector(tuple(f"a{i}" for i in range(7)))
            del episode.features[IMAGE]

    def jump(episodes):
        rename(episodes)
        change("action", (6, 0), 1.5)(episodes)

    many = tuple(range(24))  # so that the two steps of a jump are beyond the 99th percentile
    assert list(CHECKS["jumps"]([robot(rename, seeds=many)])) == []
    assert places(CHECKS["jumps"]([robot(jump, folder="jump", seeds=many)])) == [("jumps", 1, "action")]


@settings(max_examples=30)
@given(vectors=arrays(float, (4, 3), elements=st.floats(-3, 3)))
def test_turning_is_the_angle_that_scipy_finds_whatever_the_form(vectors):
    turns = Rotation.from_rotvec(vectors)
    angles = (turns[:-1].inv() * turns[1:]).magnitude()
    np.testing.assert_allclose(_turning(vectors), angles, atol=1e-6)
    signs = np.array([1, -1, 1, -1])[:, None]
    np.testing.assert_allclose(_turning(turns.as_quat() * signs), angles, atol=1e-6)


def test_a_value_beyond_the_limits(robot, places):
    found = list(CHECKS["limits"]([robot(change("observation.state", (4, 2), 0.9))]))
    assert places(found) == [("limits", 1, "observation.state")]
    assert "z is 0.9 in frame 4, xarm7_gripper has 0.02 to 0.6 (1 frames)" in found[0].message


def test_millimetres_are_beyond_the_limits(robot, places):
    def millimetres(episodes):
        for episode in episodes:
            for name in ("action", "observation.state"):
                episode.columns[name][:, :3] *= 1000

    found = places(CHECKS["limits"]([robot(millimetres)]))
    assert found == [("limits", i, name) for name in ("observation.state", "action") for i in (0, 1)]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (np.arange(12) / 15, "frames are 0.06667 s apart, at 10 fps they would be 0.1 s"),
        (np.delete(np.arange(13), 5) / 10, "0.2 s pass before frame 5"),
        (np.r_[np.arange(11), 9] / 10, "runs backwards in frame 11"),
    ],
)
def test_a_clock_that_disagrees(times, message, person):
    (found,) = CHECKS["clock"]([person(change("time_s", slice(None), times))])
    assert (found.episode, found.field) == (1, "time_s")
    assert message in found.message


def slow(episodes):
    for episode in episodes:
        episode.columns["time_s"] *= 3


def test_a_rate_that_is_wrong_everywhere_is_one_finding(person, places):
    found = list(CHECKS["clock"]([person(slow)]))
    assert places(found) == [("clock", None, "time_s")]
    assert "frames are 0.3 s apart in all episodes" in found[0].message


@pytest.mark.parametrize(("human_frames", "found"), [("12", []), ("null", [("clock", None, "time_s")])])
def test_clips_that_were_thinned_on_purpose_are_clean(human_frames, found, person, places, tmp_path):
    subject = person(slow, folder="recording/human_hand")
    (tmp_path / "recording/recording.json").write_text(f'{{"human_frames": {human_frames}}}')
    assert places(CHECKS["clock"]([subject])) == found
