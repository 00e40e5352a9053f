"""A rendered person is taken out of the picture: what is left is the table with its things."""

import numpy as np
import pytest

from understudy.perception.erase_person import erase_person, person_mask
from understudy.simulation.human import RenderedFrames, record_human
from understudy.simulation.tabletop import Tabletop

SIZE = 96


@pytest.fixture(scope="module")
def clip():
    demonstration = record_human("push", 3, size=SIZE, fps=8.0)
    frames = np.stack(list(RenderedFrames(demonstration)))
    return frames, demonstration.track.keypoints_px


def test_a_person_is_erased_from_the_first_frame(clip):
    frames, landmarks = clip
    mask = person_mask(landmarks[0], SIZE)
    assert 0.02 < mask.mean() < 0.3
    u, v = landmarks[0].round().astype(int).T
    assert mask[v, u].all()
    erased = erase_person(frames, landmarks)
    # Other frames in which the hand is elsewhere show what was behind it.
    elsewhere = np.stack([~person_mask(points, SIZE) for points in landmarks])
    seen = elsewhere.any(axis=0) & mask
    assert seen.sum() > 0.5 * mask.sum()
    behind = np.stack([np.median(frames[elsewhere[:, y, x], y, x], axis=0) for y, x in np.argwhere(seen)])
    assert np.median(np.abs(erased[seen] - behind)) < 3
    assert np.median(np.abs(frames[0][seen] - behind)) > 10


def test_what_is_left_is_the_scene_that_a_robot_finds(clip):
    """The same layout and light with a robot in it, which stands elsewhere in the image."""
    frames, landmarks = clip
    table = Tabletop("push", 3, "xarm7_gripper")
    try:
        truth = table.reset().image
    finally:
        table.close()
    mask = person_mask(landmarks[0], SIZE)
    before, after = (
        np.abs(image[mask].astype(int) - truth[mask]).mean(-1) for image in (frames[0], erase_person(frames, landmarks))
    )
    assert np.mean(before > 25) > 0.3
    assert np.mean(after > 25) < 0.5 * np.mean(before > 25)


def test_what_is_far_from_the_person_stays(clip):
    frames, landmarks = clip
    erased = erase_person(frames, landmarks)
    near = np.zeros((SIZE, SIZE), dtype=bool)
    ys, xs = np.nonzero(person_mask(landmarks[0], SIZE))
    near[max(ys.min() - 14, 0) : ys.max() + 14, max(xs.min() - 14, 0) : xs.max() + 14] = True
    assert (~near).mean() > 0.3
    np.testing.assert_array_equal(erased[~near], frames[0][~near])


def test_what_no_frame_shows_is_filled_in_from_around(clip):
    frames, landmarks = clip
    still, alike = np.repeat(frames[:1], 4, axis=0), np.repeat(landmarks[:1], 4, axis=0)
    erased = erase_person(still, alike)
    mask = person_mask(landmarks[0], SIZE)
    assert np.abs(erased[mask].astype(int) - frames[0][mask]).mean() > 10
    assert erased[mask].max() > 0


def test_frames_without_a_hand_say_nothing(clip):
    frames, landmarks = clip
    lost = landmarks.copy()
    lost[2:5] = np.nan
    noise = frames.copy()
    noise[2:5] = 255 - noise[2:5]
    np.testing.assert_array_equal(erase_person(frames, lost), erase_person(noise, lost))
    nowhere = np.full_like(landmarks, np.nan)
    np.testing.assert_array_equal(erase_person(frames, nowhere), frames[0])
    assert not person_mask(nowhere[0], SIZE).any()
