"""TFRecord files and the `tf.train.Example` messages in them, without TensorFlow (300 MB for two small formats).

A record is `length (u64) | masked CRC of the length (u32) | data | masked CRC of the data (u32)`, little-endian; the
CRC is CRC-32C (Castagnoli), masked as ((crc >> 15) | (crc << 17)) + 0xA282EAD8. The length's CRC is verified: it tells
a TFRecord from anything else and finds where a file is cut. The data's is not: in Python that is too slow.
An Example is the protobuf message `{1: {1: repeated {1: name, 2: {1: bytes | 2: floats | 3: integers}}}}`.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from understudy.errors import UnderstudyError

__all__ = ["count_records", "crc32c", "parse_example", "read_records"]

Values = list[bytes] | np.ndarray

_POLYNOMIAL = 0x82F63B78  # Castagnoli, reflected
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        return value

    return tuple(map(entry, range(256)))


_TABLE = _table()


def crc32c(content: bytes) -> int:
    """CRC-32C of a few bytes."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked(crc: int) -> int:
    """As TFRecord stores a CRC."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file, one in memory at a time.

    Raises:
        UnderstudyError: no such file, no TFRecord, or it ends inside a record.
    """
    for length, file in _headers(path):
        data = file.read(length)
        if len(data) != length:
            raise UnderstudyError(f"{path}: ends inside a record of {length} bytes")
        file.seek(4, 1)
        yield data


def count_records(path: Path) -> int:
    """How many records a file has; only their headers are read."""
    count = 0
    for length, file in _headers(path):
        file.seek(length + 4, 1)
        count += 1
    return count


def _headers(path: Path) -> Iterator[tuple[int, BinaryIO]]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            while file.tell() < size:
                header = file.read(12)
                length, stored = struct.unpack("<QI", header) if len(header) == 12 else (0, -1)
                if stored != masked(crc32c(header[:8])):
                    raise UnderstudyError(f"{path}: no TFRecord at byte {file.tell() - len(header)}, or cut off there")
                yield length, file
    except OSError as error:
        raise UnderstudyError(f"{path}: {error.strerror or error}") from error


def parse_example(path: Path, record: bytes) -> dict[str, Values]:
    """The named values of one Example: a list of byte strings, or an array of float32 or int64.

    Raises:
        UnderstudyError: the record is no Example (`path` is for the error).
    """
    try:
        return dict(_feature(entry) for features in _messages(record, 1) for entry in _messages(features, 1))
    except (IndexError, ValueError, KeyError, UnicodeDecodeError, struct.error) as error:
        raise UnderstudyError(f"{path}: a record is no tf.train.Example: {error}") from error


def _feature(entry: memoryview | bytes) -> tuple[str, Values]:
    name = b"".join(_messages(entry, 1)).decode("utf-8")
    for feature in _messages(entry, 2):
        for content in _messages(feature, 1):
            return name, [bytes(item) for item in _messages(content, 1)]
        for content in _messages(feature, 2):
            return name, np.frombuffer(b"".join(_messages(content, 1)), dtype="<f4")
        for content in _messages(feature, 3):
            return name, np.array(list(_integers(content)), dtype=np.uint64).view(np.int64)
    return name, []


def _integers(content: memoryview | bytes) -> Iterator[int]:
    for _, item in _fields(content):
        if isinstance(item, int):
            yield item
            continue
        place = 0
        while place < len(item):
            value, place = _varint(item, place)
            yield value


def _messages(content: memoryview | bytes, number: int) -> Iterator[memoryview]:
    for found, item in _fields(content):
        if found == number and not isinstance(item, int):
            yield item


def _fields(content: memoryview | bytes) -> Iterator[tuple[int, memoryview | int]]:
    """(field number, its value) one after another; what is not a varint is given as bytes."""
    view = memoryview(content)
    place = 0
    while place < len(view):
        key, place = _varint(view, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _varint(view, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, place = _varint(view, place)
        elif kind in (_FIXED32, _FIXED64):
            length = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")
        if place + length > len(view):
            raise ValueError("a field is longer than its message")
        yield key >> 3, view[place : place + length]
        place += length


def _varint(view: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = view[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place
        if shift > 63:
            raise ValueError("a varint of more than ten bytes")
