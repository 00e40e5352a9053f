"""Nobody's hand in sight: a person's episode that teaches nothing about hands.

Told by what the data set says of its frames (a tracker's mask), or by where its keypoints fall in the image. Where it
says nothing, `detected_hand` can look.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.hand_pixels import has_hand_pixels, is_person, palm_pixels
from understudy.episodes.check.subject import Subject

__all__ = ["HAND_MASKS", "MIN_SEEN", "find_hidden_hands"]

MIN_SEEN = 0.5
"""Share of an episode's frames in which the hand must be seen: an upper bound on what hand trackers miss when it is."""
HAND_MASKS = ("tracked.valid", "truth.keypoints.valid", "truth.hand.valid")
"""Features that say in which frames a hand is seen, by whoever wrote the data set."""


def find_hidden_hands(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Episodes of people in which the hand is seen in less than half of the frames, as far as the data set tells."""
    for subject in filter(is_person, subjects):
        masks = [name for name in HAND_MASKS if name in subject.reader.features]
        for index in subject.episodes:
            for name in masks:
                seen = subject.column(name, index)[:, 0]
                if seen.mean() < MIN_SEEN:
                    message = f"a hand is seen in {seen.sum():.0f} of {len(seen)} frames"
                    yield Finding("hidden_hand", subject.root, index, name, message)
            if not masks and has_hand_pixels(subject, index):
                yield from _outside(subject, index)


def _outside(subject: Subject, index: int) -> Iterator[Finding]:
    places = np.arange(subject.reader.lengths[index])
    video, pixels = palm_pixels(subject, index, places)
    height, width, _ = subject.reader.features[video].shape
    inside = np.all((pixels >= 0) & (pixels <= (width - 1, height - 1)), axis=1)
    if inside.mean() < MIN_SEEN:
        message = f"the palm is inside the image in {inside.sum()} of {len(pixels)} frames"
        yield Finding("hidden_hand", subject.root, index, video, message)
