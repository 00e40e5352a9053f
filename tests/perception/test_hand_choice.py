"""Which hand is meant: identity by place, side by vote, and clear words when the wanted one is not there."""

import numpy as np
import pytest

from understudy.errors import NoHand
from understudy.perception.hand_choice import choose_hand, seen_hands
from understudy.perception.hand_landmarker import HandDetections

NUM_FRAMES = 40
FPS = 20.0
HAND = np.random.default_rng(0).uniform(-30, 30, (21, 2))


def empty() -> HandDetections:
    time_s = np.arange(NUM_FRAMES) / FPS
    shape = (NUM_FRAMES, 2)
    return HandDetections(
        time_s,
        np.full((*shape, 21, 2), np.nan),
        np.full((*shape, 21, 3), np.nan),
        np.zeros(shape),
        np.full(shape, np.nan),
    )


def place(seen: HandDetections, frame: int, slot: int, centre: tuple[float, float], right: float) -> None:
    seen.pixels[frame, slot] = HAND + np.array(centre)
    seen.world[frame, slot] = 0.0
    seen.score[frame, slot] = max(right, 1 - right)
    seen.right[frame, slot] = right


def two_hands() -> HandDetections:
    """A right hand that moves on the left of the image and a left one that rests; slots swap and a label flickers."""
    seen = empty()
    for t in range(NUM_FRAMES):
        slot = t % 2
        flicker = 0.2 if t % 7 == 3 else 0.9
        place(seen, t, slot, (100 + 2.5 * t, 200), flicker)
        place(seen, t, 1 - slot, (400, 200), 0.1)
    return seen


def test_identities_survive_swapped_slots_and_flickering_labels():
    hands = {hand.handedness: hand for hand in seen_hands(two_hands())}
    assert set(hands) == {"right", "left"}
    np.testing.assert_array_equal(hands["right"].slot, np.arange(NUM_FRAMES) % 2)
    np.testing.assert_array_equal(hands["left"].slot, 1 - np.arange(NUM_FRAMES) % 2)


def test_auto_takes_the_hand_that_moves():
    assert choose_hand(two_hands()).handedness == "right"


@pytest.mark.parametrize("wanted", ["right", "left"])
def test_a_hand_can_be_asked_for(wanted):
    assert choose_hand(two_hands(), wanted).handedness == wanted


def test_no_hand():
    with pytest.raises(NoHand, match="no hand in this video"):
        choose_hand(empty())


def test_only_the_other_hand_says_what_was_seen():
    seen = empty()
    for t in range(NUM_FRAMES):
        place(seen, t, 0, (100, 100), 0.95)
    with pytest.raises(NoHand, match=r"only a right hand was seen.*--hand right"):
        choose_hand(seen, "left")


def test_one_hand_seen_twice_is_one_hand():
    seen = empty()
    for t in range(NUM_FRAMES):
        place(seen, t, 0, (100, 100), 0.9)
        place(seen, t, 1, (104, 100), 0.4)
    hands = seen_hands(seen)
    assert [hand.handedness for hand in hands] == ["right"]
    assert (hands[0].slot == 0).all()


def test_a_single_sighting_is_no_hand():
    seen = empty()
    place(seen, 5, 0, (100, 100), 0.9)
    with pytest.raises(NoHand, match="1 of 40 frames had a sighting"):
        choose_hand(seen)


def test_a_hand_that_leaves_and_returns_is_the_same_hand():
    seen = empty()
    for t in (*range(10), *range(25, 40)):
        place(seen, t, 0, (100 if t < 10 else 350, 100), 0.9)
    hand = choose_hand(seen)
    assert hand.presence == pytest.approx(25 / NUM_FRAMES)
    assert (hand.slot[10:25] == -1).all()
