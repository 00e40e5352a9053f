import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from understudy.episodes.windows import even_frames, future, past, phases


def test_the_past_begins_at_the_first_row():
    assert past(np.array([0, 3, 9]), (4, 0)).tolist() == [[0, 0], [0, 3], [5, 9]]


def test_the_future_ends_at_the_last_row_and_says_so():
    rows, exists = future(np.array([0, 3]), 3, 5)
    assert rows.tolist() == [[0, 1, 2], [3, 4, 4]]
    assert exists.tolist() == [[True, True, True], [True, True, False]]


def test_phases_lie_on_the_line_through_the_rows():
    values = np.stack([np.arange(11.0), 2 * np.arange(11.0)], axis=1)
    assert np.allclose(phases(values, 5)[:, 0], [0, 2.5, 5, 7.5, 10])
    assert np.allclose(phases(values, 5)[:, 1], [0, 5, 10, 15, 20])


def test_phases_of_one_row_repeat_it():
    assert phases(np.array([[3.0]]), 4).tolist() == [[3.0]] * 4


@given(st.integers(1, 300), st.integers(2, 40))
def test_even_frames_go_from_first_to_last_in_order(length, count):
    frames = even_frames(length, count)
    assert len(frames) == count
    assert frames[0] == 0
    assert frames[-1] == length - 1
    assert (np.diff(frames) >= 0).all()
    assert np.ptp(np.diff(frames)) <= 1
