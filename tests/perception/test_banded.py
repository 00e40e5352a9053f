"""The block-banded solver and its selected inverse, against dense linear algebra."""

import numpy as np
import pytest

from understudy.perception.banded import BandedCholesky

SIZE = 4


def random_system(num_frames: int, seed: int) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A dense positive definite matrix of half-bandwidth two blocks, and its blocks."""
    rng = np.random.default_rng(seed)
    dense = np.zeros((num_frames * SIZE, num_frames * SIZE))
    for t in range(num_frames):
        part = slice(t * SIZE, min(t + 3, num_frames) * SIZE)
        J = rng.normal(size=(3 * SIZE, part.stop - part.start))
        dense[part, part] += J.T @ J
    dense += np.eye(len(dense))
    blocks = dense.reshape(num_frames, SIZE, num_frames, SIZE).transpose(0, 2, 1, 3)
    frames = np.arange(num_frames)
    below = [blocks[frames[k:], frames[: num_frames - k]] for k in range(3)]
    return dense, (below[0], below[1], below[2])


@pytest.mark.parametrize("num_frames", [1, 2, 3, 9])
def test_solution(num_frames):
    dense, blocks = random_system(num_frames, 1)
    b = np.random.default_rng(2).normal(size=(num_frames, SIZE))
    x = BandedCholesky(*blocks).solve(b)
    np.testing.assert_allclose(x.ravel(), np.linalg.solve(dense, b.ravel()), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("num_frames", [1, 2, 3, 9])
def test_diagonal_blocks_of_the_inverse(num_frames):
    dense, blocks = random_system(num_frames, 3)
    inverse = np.linalg.inv(dense).reshape(num_frames, SIZE, num_frames, SIZE)
    found = BandedCholesky(*blocks).inverse_diagonal()
    for t in range(num_frames):
        np.testing.assert_allclose(found[t], inverse[t, :, t], rtol=1e-7, atol=1e-10)


def test_a_matrix_that_is_not_positive_definite_is_refused():
    _, (diagonal, first, second) = random_system(4, 5)
    with pytest.raises(np.linalg.LinAlgError):
        BandedCholesky(-diagonal, first, second)
