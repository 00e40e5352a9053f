"""People in data sets without labels, looked at by the hand detector: is a hand there, is its skin redder than blue?

Costs about 50 ms a frame, so it is done on request, on a few frames of each episode.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.hand_pixels import PALM, has_hand_pixels, is_person
from understudy.episodes.check.hidden_hand import HAND_MASKS, MIN_SEEN
from understudy.episodes.check.subject import Subject
from understudy.episodes.check.swapped_colours import exchanged, palm_vote

__all__ = ["find_with_detector"]

_FRAMES = 8
"""Looked at in each episode."""


def find_with_detector(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Episodes of people without labels in which no hand is detected, and data sets whose hands are blue.

    Raises:
        UnderstudyError: the detector is not installed (extra `hands`).
    """
    for subject in filter(is_person, subjects):
        if any(name in subject.reader.features for name in HAND_MASKS) or not subject.videos:
            continue
        votes: list[float] = []
        for index in subject.episodes:
            if not has_hand_pixels(subject, index):
                yield from _look(subject, index, votes)
        if exchanged(np.array(votes)):
            against = sum(vote < 0 for vote in votes)
            message = f"{against} of {len(votes)} detected palms are bluer than red: red and blue exchanged (BGR)?"
            yield Finding("swapped_colours", subject.root, None, subject.videos[0], message)


def _look(subject: Subject, index: int, votes: list[float]) -> Iterator[Finding]:
    from understudy.perception.hand_landmarker import detect_hands

    video, places = subject.videos[0], subject.sampled(index, _FRAMES)
    times_s = (places / subject.reader.fps).tolist()
    frames = subject.reader.frames(video, index, places.tolist())
    pixels = detect_hands(zip(times_s, frames, strict=True)).pixels
    found = np.isfinite(pixels).all(axis=(2, 3))
    for frame, seen, hands in zip(frames, found, pixels, strict=True):
        votes += [palm_vote(frame, keypoints[list(PALM)].mean(axis=0)) for keypoints in hands[seen]]
    share = found.any(axis=1)
    if share.mean() >= MIN_SEEN:
        return
    # The detector is blind to blue hands: on two real clips it finds a hand in 8 of 8 frames, and in 0 to 2 of them
    # with red and blue exchanged.
    other = detect_hands(zip(times_s, np.ascontiguousarray(frames[..., ::-1]), strict=True)).pixels
    if np.isfinite(other).all(axis=(2, 3)).any(axis=1).mean() >= MIN_SEEN:
        message = "the detector finds hands only with red and blue exchanged: the frames are BGR"
        yield Finding("swapped_colours", subject.root, index, video, message)
    else:
        message = f"the detector finds a hand in {share.sum()} of {len(share)} frames"
        yield Finding("hidden_hand", subject.root, index, video, message)
