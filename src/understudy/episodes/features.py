"""What a data set holds, by name: type and shape of a feature, names of its numbers, the mask of where it counts.

LeRobot v3 wants each feature stated three times: in `meta/info.json`, as an Arrow type and as a `datasets` type.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Shaped

__all__ = [
    "BOOKKEEPING",
    "DTYPES",
    "Feature",
    "arrow_schema",
    "column_values",
    "info_entry",
    "scalar",
    "vector",
    "video",
]

Dtype = Literal["float32", "float64", "int64", "bool", "video"]
DTYPES: tuple[Dtype, ...] = ("float32", "float64", "int64", "bool", "video")
VIDEO_AXES = ("height", "width", "channels")


@dataclass(frozen=True)
class Feature:
    """One column of a data set."""

    dtype: Dtype
    shape: tuple[int, ...]
    """(n,) for numbers; (height, width, 3) for a video, both even."""
    names: tuple[str, ...] | None = None
    """One name per number, or None."""
    mask: str | None = None
    """Name of the `bool` feature that is true where this one holds data rather than a filler; None: everywhere."""

    def __post_init__(self) -> None:
        if self.dtype == "video":
            if len(self.shape) != 3 or self.shape[2] != 3 or self.shape[0] % 2 or self.shape[1] % 2:
                raise ValueError(f"a video feature has shape (even height, even width, 3), not {self.shape}")
        elif len(self.shape) != 1 or self.shape[0] < 1:
            raise ValueError(f"a numeric feature has shape (n,), not {self.shape}")
        elif self.names is not None and len(self.names) != self.shape[0]:
            raise ValueError(f"{len(self.names)} names for {self.shape[0]} numbers: {', '.join(self.names)}")

    @property
    def is_video(self) -> bool:
        """Whether the frames lie in an mp4 rather than in a column."""
        return self.dtype == "video"


def vector(names: tuple[str, ...], mask: str | None = None) -> Feature:
    """Named float32 numbers."""
    return Feature("float32", (len(names),), names, mask)


def scalar(dtype: Dtype, mask: str | None = None) -> Feature:
    """One unnamed number."""
    return Feature(dtype, (1,), None, mask)


def video(height: int, width: int) -> Feature:
    """RGB video of that size [px]."""
    return Feature("video", (height, width, 3), VIDEO_AXES)


BOOKKEEPING: Mapping[str, Feature] = {
    "timestamp": scalar("float32"),
    "frame_index": scalar("int64"),
    "episode_index": scalar("int64"),
    "index": scalar("int64"),
    "task_index": scalar("int64"),
}
"""Columns that every LeRobot data set has and that the writer fills."""


def info_entry(feature: Feature, fps: float | int) -> dict:
    """The feature in `meta/info.json`."""
    entry: dict = {"dtype": feature.dtype, "shape": list(feature.shape), "names": feature.names and list(feature.names)}
    if feature.mask is not None:
        entry["mask"] = feature.mask
    if feature.is_video:
        entry["info"] = {
            "video.height": feature.shape[0],
            "video.width": feature.shape[1],
            "video.codec": "h264",
            "video.pix_fmt": "yuv420p",
            "video.is_depth_map": False,
            "video.fps": fps,
            "video.channels": 3,
            "has_audio": False,
        }
    return entry


def arrow_schema(features: Mapping[str, Feature]) -> pa.Schema:
    """Schema of the data files: one column per numeric feature, and the `datasets` types in its metadata."""
    columns, described = [], {}
    for name, feature in features.items():
        if feature.is_video:
            continue
        value = pa.from_numpy_dtype(np.dtype(feature.dtype))
        length = feature.shape[0]
        value_type = {"dtype": feature.dtype, "_type": "Value"}
        columns.append((name, pa.list_(value, length) if length > 1 else value))
        described[name] = {"feature": value_type, "length": length, "_type": "List"} if length > 1 else value_type
    return pa.schema(columns, metadata={"huggingface": json.dumps({"info": {"features": described}})})


def column_values(column: pa.ChunkedArray, feature: Feature) -> Shaped[np.ndarray, "R n"] | None:
    """The numbers of a parquet column; None if they are not what the feature says or have gaps."""
    width = feature.shape[0]
    flat = column.combine_chunks()
    if flat.null_count:
        return None
    if pa.types.is_list(flat.type) or pa.types.is_large_list(flat.type) or pa.types.is_fixed_size_list(flat.type):
        rows, flat = len(flat), flat.flatten()
        if len(flat) != rows * width or flat.null_count:
            return None
    elif width != 1:
        return None
    if flat.type != pa.from_numpy_dtype(np.dtype(feature.dtype)):
        return None
    return np.array(flat.to_numpy(zero_copy_only=False)).reshape(-1, width)
