"""What the tracker saw and what the fit made of it, drawn on the image; contact sheets show a clip at a glance."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from understudy.errors import UnderstudyError
from understudy.geometry.cameras import project
from understudy.records import FrameStatus, HandTrack

__all__ = ["FINGER_COLOURS", "contact_sheet", "draw_hand"]

FINGER_COLOURS = ((255, 170, 60), (255, 95, 95), (200, 120, 255), (95, 165, 255), (70, 215, 160))
"""RGB of thumb, index, middle, ring and little finger."""

_BANNERS = {
    FrameStatus.NO_HAND: ("no hand seen", (150, 150, 150)),
    FrameStatus.UNSOLVED: ("not solved", (255, 90, 70)),
    FrameStatus.OUT_OF_REACH: ("out of reach", (255, 170, 60)),
    FrameStatus.TOO_FAST: ("too fast", (255, 170, 60)),
}
_SUBPIXEL_BITS = 4


def draw_hand(image: UInt8[np.ndarray, "H W 3"], track: HandTrack, index: int) -> UInt8[np.ndarray, "H W 3"]:
    """A copy of frame `index` with the fitted skeleton (coloured lines) and the detected landmarks (white rings).

    The caption gives distance, its standard deviation and the residual; frames without a result carry a banner.

    Args:
        image: RGB, of any size with the aspect of the track's camera.
        track: the track of the whole clip.
        index: number of the frame, 0 to T - 1.
    """
    cv2 = _import_cv2()
    canvas = image.copy()
    scale = np.array([image.shape[1] / track.camera.width, image.shape[0] / track.camera.height])
    unit = max(1.0, min(image.shape[:2]) / 360)
    status = FrameStatus(int(track.status[index]))
    if status == FrameStatus.OK:
        points = project(track.camera.K, track.keypoints_camera[index])
        _draw_skeleton(cv2, canvas, (points + 0.5) * scale - 0.5, unit)
    seen = track.keypoints_px[index]
    if np.isfinite(seen).all():
        for point in (seen + 0.5) * scale - 0.5:
            cv2.circle(canvas, _fixed(point), round(2.2 * unit * 2**_SUBPIXEL_BITS), (255, 255, 255), 1, *_smooth(cv2))
    if status == FrameStatus.OK:
        distance, std = track.T_camera_wrist[index, 2, 3], track.wrist_std_m[index, 2]
        text = f"{track.handedness}  {distance:.2f} +- {std:.2f} m  {track.residual_px[index]:.1f} px"
        _caption(cv2, canvas, text, (235, 235, 235), unit)
    else:
        _caption(cv2, canvas, *_BANNERS[status], unit)
    return canvas


def contact_sheet(images: Sequence[UInt8[np.ndarray, "h w 3"]], columns: int) -> UInt8[np.ndarray, "H W 3"]:
    """Images of one size in a grid, row by row, on black; the last row may be short."""
    if not images:
        raise UnderstudyError("no images for a contact sheet")
    if columns < 1:
        raise ValueError(f"{columns} columns: at least 1")
    height, width = images[0].shape[:2]
    if any(image.shape != images[0].shape for image in images):
        raise UnderstudyError("images of different sizes in one contact sheet")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * height, columns * width, 3), dtype=np.uint8)
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = image
    return sheet


def _draw_skeleton(
    cv2: Any,  # noqa: ANN401
    canvas: UInt8[np.ndarray, "H W 3"],
    points: Float[np.ndarray, "21 2"],
    unit: float,
) -> None:
    limit = 4 * max(canvas.shape)
    if not np.isfinite(points).all() or np.abs(points).max() > limit:
        return
    for finger, colour in enumerate(FINGER_COLOURS):
        chain = points[[0, *range(1 + 4 * finger, 5 + 4 * finger)]]
        for width, shade in ((4, (20, 20, 20)), (2, colour)):
            for start, end in pairwise(chain):
                cv2.line(canvas, _fixed(start), _fixed(end), shade, max(1, round(width * unit)), *_smooth(cv2))


def _caption(
    cv2: Any,  # noqa: ANN401
    canvas: UInt8[np.ndarray, "H W 3"],
    text: str,
    colour: tuple[int, int, int],
    unit: float,
) -> None:
    height = round(20 * unit)
    canvas[:height] = canvas[:height] // 3
    place = (round(6 * unit), round(14 * unit))
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42 * unit, colour, max(1, round(unit)), cv2.LINE_AA)


def _fixed(point: Float[np.ndarray, "2"]) -> tuple[int, int]:
    u, v = np.rint(point * 2**_SUBPIXEL_BITS).astype(int)
    return int(u), int(v)


def _smooth(cv2: Any) -> tuple[int, int]:  # noqa: ANN401
    return cv2.LINE_AA, _SUBPIXEL_BITS


def _import_cv2() -> Any:  # noqa: ANN401 (OpenCV ships stubs that lag behind)
    try:
        import cv2
    except ImportError as error:
        raise UnderstudyError(
            "drawing needs OpenCV, which MediaPipe brings: pip install 'understudy[hands]'"
        ) from error
    return cv2
