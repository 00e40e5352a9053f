"""Red and blue exchanged (BGR read as RGB): found where the true colour of a place in the image is known.

Such places are objects whose colour the layout names (our own recordings), and skin: whatever its tone, skin reflects
more red than blue, so a palm that is bluer than red is a palm in BGR, or in a glove, or under strongly blue light.
Elsewhere nothing is said: colours of an unknown scene do not tell their order (a blue cup is a red cup in BGR).
Every such place is a vote with the weight of its redness; a data set is told apart by all of them together.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, UInt8

from understudy.episodes.check.finding import Finding
from understudy.episodes.check.hand_pixels import has_hand_pixels, palm_pixels
from understudy.episodes.check.subject import Subject
from understudy.geometry.cameras import project
from understudy.geometry.transforms import apply_transform, inverse_transform
from understudy.simulation.looks import COLOURS

__all__ = ["exchanged", "find_swapped_colours", "palm_vote"]

MIN_REDNESS = 0.2
"""Colours count from this |red - blue| / (red + blue) on: red 0.75, blue 0.73, yellow 0.81, but white 0.01."""
_MIN_SEEN = 0.06
"""The same for what is seen: a grey pixel is no vote."""
_MIN_WEIGHT = 0.3
"""Sum of the votes' weights below which nothing is said: one red cube, or the palm in four frames."""
_AGAINST = 0.75
"""Share of the weight that makes the verdict: single places are wrong where something stands in the way."""
_PALM_FRAMES, _PATCH = 4, 2
_PALM_WEIGHT = 0.5
"""Of a palm's vote: skin is less red than a red cube is."""


def find_swapped_colours(subjects: Sequence[Subject]) -> Iterator[Finding]:
    """Data sets, or single episodes, in which places of known colour have red and blue exchanged."""
    for subject in subjects:
        if not subject.videos:
            continue
        votes = [np.array([*_object_votes(subject, index), *_palm_votes(subject, index)]) for index in subject.episodes]
        verdicts = [exchanged(vote) for vote in votes]
        if exchanged(np.concatenate(votes)):
            total = np.concatenate(votes)
            message = f"{(total < 0).sum()} of {len(total)} places of known colour have red and blue exchanged (BGR)"
            yield Finding("swapped_colours", subject.root, None, subject.videos[0], message)
        elif any(verdicts):
            for index in np.flatnonzero(verdicts):
                message = "places of known colour have red and blue exchanged (BGR) here, but not in other episodes"
                yield Finding("swapped_colours", subject.root, int(index), subject.videos[0], message)


def exchanged(votes: Float[np.ndarray, " V"]) -> bool:
    """Whether votes (positive for RGB) say that red and blue are exchanged, with weight enough."""
    weight = np.abs(votes).sum()
    return bool(weight >= _MIN_WEIGHT and -votes[votes < 0].sum() >= _AGAINST * weight)


def _object_votes(subject: Subject, index: int) -> Iterator[float]:
    """Objects of a layout in the first frame: true colour by name, place by pose and camera."""
    camera, colours = subject.cameras[index], _object_colours(subject, index)
    if not colours or camera is None or camera.T_world_camera is None:
        return
    video = subject.videos[0]
    height, width, _ = subject.reader.features[video].shape
    places = subject.column("truth.objects", index)[0].astype(float).reshape(-1, 7)[:, :3]
    image = next(subject.frames(video, index, np.array([0])))
    for colour, place in zip(colours, places, strict=False):
        true = _redness(np.array(COLOURS.get(colour, (1.0, 1.0, 1.0))))
        if abs(true) < MIN_REDNESS:
            continue
        pixel = project(camera.K, apply_transform(inverse_transform(camera.T_world_camera), place[None]))[0]
        seen = _seen(image, pixel * (width / camera.width, height / camera.height))
        if abs(seen) >= _MIN_SEEN:
            yield float(np.sign(true) * seen)


def _object_colours(subject: Subject, index: int) -> list[str]:
    """Names of the colours of the layout's objects, in the order of `truth.objects`; none where nothing tells."""
    places, layout = subject.reader.features.get("truth.objects"), subject.about[index].get("layout")
    if places is None or places.is_video or places.shape[0] % 7 or not isinstance(layout, dict):
        return []
    objects = layout.get("objects")
    if not isinstance(objects, list) or not all(isinstance(item, dict) for item in objects):
        return []
    return [str(item.get("colour")) for item in objects]


def _palm_votes(subject: Subject, index: int) -> Iterator[float]:
    if not has_hand_pixels(subject, index):
        return
    places = subject.sampled(index, _PALM_FRAMES)
    video, pixels = palm_pixels(subject, index, places)
    known = np.isfinite(pixels).all(axis=1)
    for image, pixel in zip(subject.frames(video, index, places[known]), pixels[known], strict=True):
        yield palm_vote(image, pixel)


def palm_vote(image: UInt8[np.ndarray, "H W 3"], pixel: Float[np.ndarray, "2"]) -> float:
    """Weight of the palm at a pixel (u, v): positive if it is redder than blue, 0 if it is grey or outside."""
    seen = _seen(image, pixel)
    return _PALM_WEIGHT * seen if abs(seen) >= _MIN_SEEN else 0.0


def _seen(image: UInt8[np.ndarray, "H W 3"], pixel: Float[np.ndarray, "2"]) -> float:
    """Redness of the median colour around a pixel (u, v); 0 outside the image."""
    u, v = np.round(pixel).astype(int)
    if not (0 <= u < image.shape[1] and 0 <= v < image.shape[0]):
        return 0.0
    patch = image[max(v - _PATCH, 0) : v + _PATCH + 1, max(u - _PATCH, 0) : u + _PATCH + 1].reshape(-1, 3)
    return _redness(np.median(patch, axis=0))


def _redness(rgb: Float[np.ndarray, "3"]) -> float:
    """(red - blue) / (red + blue): changes its sign when the two are exchanged."""
    return float((rgb[0] - rgb[2]) / max(rgb[0] + rgb[2], 1e-6))
