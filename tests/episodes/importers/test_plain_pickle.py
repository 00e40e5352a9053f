"""Python's own pickler writes, the data-only reader reads; what would run is refused."""

import os
import pickle
from collections import OrderedDict
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.episodes.importers.plain_pickle import read_object_array, read_plain_pickle
from understudy.errors import UnderstudyError

PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
keys = st.text() | st.integers() | st.tuples(st.integers(), st.text())
data = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner))


def same(found, given):
    if isinstance(given, np.ndarray):
        return found.dtype == given.dtype and np.array_equal(found, given)
    if isinstance(given, dict):
        return list(found) == list(given) and all(same(found[key], given[key]) for key in given)
    if isinstance(given, list | tuple):
        return len(found) == len(given) and all(map(same, found, given))
    return found == given


@settings(max_examples=50)
@given(value=data, protocol=st.sampled_from([0, 1, *PROTOCOLS]))
def test_plain_data_comes_back(value, protocol, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "unused.pkl"
    assert same(read_plain_pickle(path, pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(3, 4),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(5, dtype=">i4"),
        np.array([True, False]),
        np.array(["left", "right"]),
        np.zeros((0, 3)),
        np.array(2.5),
    ],
)
def test_arrays_come_back_inside_containers(array, protocol, tmp_path):
    path = tmp_path / "d.pkl"
    value = [{"actions": array, "again": array}, (array, 1.5)]
    path.write_bytes(pickle.dumps(value, protocol))
    assert same(read_plain_pickle(path), value)


def test_numpy_numbers_and_ordered_dictionaries_become_plain(tmp_path):
    content = pickle.dumps(OrderedDict(a=np.float64(0.25), b=np.int64(-3)))
    assert read_plain_pickle(tmp_path / "x", content) == {"a": 0.25, "b": -3}


def test_a_dictionary_saved_by_numpy_comes_back(tmp_path):
    value = {"cam": [{"timestamp": 5, "tcp": np.arange(7.0)}], 1633: {"x": 1}}
    np.save(tmp_path / "tcp.npy", value, allow_pickle=True)
    assert same(read_object_array(tmp_path / "tcp.npy"), value)
    np.save(tmp_path / "plain.npy", np.zeros(3))
    with pytest.raises(UnderstudyError, match=r"plain\.npy: holds a float64 array of shape \(3,\)"):
        read_object_array(tmp_path / "plain.npy")


class Hostile:
    def __init__(self, call, *arguments):
        self.made_by = call, arguments

    def __reduce__(self):
        return self.made_by


@pytest.mark.parametrize("protocol", [0, 1, *PROTOCOLS])
@pytest.mark.parametrize(
    "value",
    [Hostile(os.system, "touch RAN"), Hostile(eval, "1"), [Hostile(np.load, "x")], np.array([Hostile(print)])],
)
def test_what_would_run_is_refused_and_does_not_run(value, protocol, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.pkl").write_bytes(pickle.dumps(value, protocol))
    with pytest.raises(UnderstudyError, match=r"d\.pkl: asks for '.*': only numbers"):
        read_plain_pickle(tmp_path / "d.pkl")
    assert [path.name for path in tmp_path.iterdir()] == ["d.pkl"]


@given(cut=st.integers(0, 200), flipped=st.integers(0, 255))
def test_damage_is_an_error_or_harmless(cut, flipped, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "unused.pkl"
    whole = bytearray(pickle.dumps({"full_state": np.arange(21.0).reshape(3, 7), "time_stamp": [1.0, 2.0]}))
    with pytest.raises(UnderstudyError, match="unused"):
        read_plain_pickle(path, bytes(whole[: cut % (len(whole) - 1)]))
    whole[cut % len(whole)] = flipped
    with suppress(UnderstudyError):  # anything else, or a file that runs, fails the test
        read_plain_pickle(path, bytes(whole))
