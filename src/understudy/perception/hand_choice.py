"""Which hand of the video is meant: identities by proximity over time, sides by vote, then the one that acts."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from understudy.errors import NoHand
from understudy.perception.hand_landmarker import MAX_HANDS, HandDetections
from understudy.records import Handedness

__all__ = ["SeenHand", "choose_hand", "seen_hands"]

_MAX_JUMP = 1.2
"""Between frames a hand moves less than this many times its own size, plus `_MAX_SPEED` times a gap."""
_MAX_SPEED = 3.0
_FORGET_S = 1.0
_SAME_HAND = 0.35
"""Two detections of one frame closer than this share of their size are one hand seen twice."""
_MIN_SHARE = 0.02
"""Of the frames: less is a false sighting."""


@dataclass(frozen=True)
class SeenHand:
    """One hand over the clip."""

    handedness: Handedness
    slot: Int[np.ndarray, " T"]
    """Index into the detections of each frame; -1 where this hand was not seen."""
    presence: float
    """Share of the frames that saw it."""
    speed: float
    """Mean speed of its centre [hand sizes a second]."""


def choose_hand(detections: HandDetections, wanted: Literal["auto", "right", "left"] = "auto") -> SeenHand:
    """The wanted hand, or for "auto" the one that moves things: presence times (speed + a little).

    Raises:
        NoHand: no hand was seen, or only the other one.
    """
    hands = seen_hands(detections)
    if not hands:
        seen = int((detections.score > 0).any(1).sum())
        raise NoHand(
            f"no hand in this video ({seen} of {detections.num_frames} frames had a sighting): "
            "the hand should be at least 60 px long and not covered"
        )
    if wanted == "auto":
        return max(hands, key=lambda hand: hand.presence * (hand.speed + 0.2))
    chosen = [hand for hand in hands if hand.handedness == wanted]
    if not chosen:
        other = hands[0]
        raise NoHand(
            f"no {wanted} hand in this video: only a {other.handedness} hand was seen, in {other.presence:.0%} of the "
            f"frames: use --hand {other.handedness}"
        )
    return chosen[0]


def seen_hands(detections: HandDetections) -> list[SeenHand]:
    """At most one right and one left hand, the more present one first."""
    centre = detections.pixels.mean(2)
    size = np.linalg.norm(np.ptp(detections.pixels, axis=2), axis=-1)
    pieces = _pieces(detections, centre, size)
    vote = np.zeros((len(pieces), 2))  # for right, for left
    for number, piece in enumerate(pieces):
        right = detections.right[piece.frames, piece.slots]
        vote[number] = right.sum(), (1 - right).sum()
    hands = []
    for side, handedness in enumerate(("right", "left")):
        slot = _merged(pieces, vote[:, side] - vote[:, 1 - side], detections.num_frames)
        frames = np.flatnonzero(slot >= 0)
        if len(frames) > max(1, _MIN_SHARE * detections.num_frames):
            speed = _speed(detections.time_s[frames], centre[frames, slot[frames]], size[frames, slot[frames]])
            name: Handedness = "right" if handedness == "right" else "left"
            hands.append(SeenHand(name, slot, len(frames) / detections.num_frames, speed))
    return sorted(hands, key=lambda hand: -hand.presence)


@dataclass
class _Piece:
    """One unbroken sighting."""

    frames: list[int]
    slots: list[int]
    time_s: float
    centre: Float[np.ndarray, "2"]
    size: float


def _pieces(
    detections: HandDetections, centre: Float[np.ndarray, "T H 2"], size: Float[np.ndarray, "T H"]
) -> list[_Piece]:
    """Each frame's detections go to the nearest hand that was there a moment ago, or start a new piece."""
    pieces: list[_Piece] = []
    active: list[_Piece] = []
    for t, now in enumerate(detections.time_s.tolist()):
        slots = [s for s in range(MAX_HANDS) if detections.score[t, s] > 0]
        if len(slots) == 2 and np.linalg.norm(centre[t, 0] - centre[t, 1]) < _SAME_HAND * size[t].mean():
            slots = [int(np.argmax(detections.score[t]))]
        active = [piece for piece in active if now - piece.time_s < _FORGET_S]
        pairs = []
        for number, piece in enumerate(active):
            gap_s = now - piece.time_s
            for s in slots:
                distance = float(np.linalg.norm(centre[t, s] - piece.centre)) / max(piece.size, float(size[t, s]))
                if distance < _MAX_JUMP + _MAX_SPEED * gap_s:
                    pairs.append((distance + gap_s, number, s))
        free, taken = set(slots), set()
        for _, number, s in sorted(pairs):
            if s in free and number not in taken:
                free.remove(s)
                taken.add(number)
                piece = active[number]
                piece.frames.append(t)
                piece.slots.append(s)
                piece.time_s, piece.centre, piece.size = now, centre[t, s], float(size[t, s])
        new = [_Piece([t], [s], now, centre[t, s], float(size[t, s])) for s in sorted(free)]
        pieces += new
        active += new
    return pieces


def _merged(pieces: list[_Piece], margin: Float[np.ndarray, " P"], num_frames: int) -> Int[np.ndarray, " T"]:
    """Pieces of one side joined, surest first; where two overlap in time only the surer one can be that hand.

    A piece that loses such a contest is not given away to the other side unless its own vote says so.
    """
    slot = np.full(num_frames, -1)
    for number in np.argsort(-margin):
        if margin[number] <= 0:
            break
        piece = pieces[number]
        if (slot[piece.frames] < 0).all():
            slot[piece.frames] = piece.slots
    return slot


def _speed(time_s: Float[np.ndarray, " N"], centre: Float[np.ndarray, "N 2"], size: Float[np.ndarray, " N"]) -> float:
    """Median of the speeds over about a fifth of a second: jitter of single frames does not count as motion."""
    if len(time_s) < 2:
        return 0.0
    ahead = np.minimum(np.searchsorted(time_s, time_s + 0.2), len(time_s) - 1)
    dt = time_s[ahead] - time_s
    moved = np.linalg.norm(centre[ahead] - centre, axis=-1)
    use = (dt > 0) & (dt < 1.0)
    return float(np.mean(moved[use] / dt[use]) / np.median(size)) if use.any() else 0.0
