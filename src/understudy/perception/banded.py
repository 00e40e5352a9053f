"""Symmetric block-banded systems of trajectory problems: solve A x = b, and the diagonal blocks of A's inverse.

A has T x T blocks of n x n; frame t meets t+1 and t+2 (second differences couple three frames), nothing further. The
Cholesky factor A = L L^T keeps the band, so both cost O(T n^3).
"""

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_solve_banded, cholesky_banded, solve_triangular

__all__ = ["BandedCholesky"]

_COUPLED = 2


class BandedCholesky:
    """Cholesky factor of a block-banded positive definite matrix.

    Args:
        diagonal: blocks (t, t).
        first: blocks (t + 1, t).
        second: blocks (t + 2, t).

    Raises:
        numpy.linalg.LinAlgError: the matrix is not positive definite.
    """

    def __init__(
        self,
        diagonal: Float[np.ndarray, "T n n"],
        first: Float[np.ndarray, "T1 n n"],
        second: Float[np.ndarray, "T2 n n"],
    ) -> None:
        self.num_frames, self.size = diagonal.shape[:2]
        self._factor = cholesky_banded(_to_band(diagonal, first, second), lower=True, overwrite_ab=True)

    def solve(self, b: Float[np.ndarray, "T n"]) -> Float[np.ndarray, "T n"]:
        """X with A x = b."""
        return cho_solve_banded((self._factor, True), b.ravel(), check_finite=False).reshape(b.shape)

    def inverse_diagonal(self) -> Float[np.ndarray, "T n n"]:
        """Blocks (t, t) of Z = A^-1 by Takahashi's recursion, from Z L = L^-T read block column by block column:

        Z_jk = -(sum_i Z_ji L_ik) L_kk^-1              j > k, i in {k+1, k+2}
        Z_kk = (L_kk^-T - sum_i Z_ki L_ik) L_kk^-1
        """
        num_frames, size = self.num_frames, self.size
        eye = np.eye(size)
        result = np.zeros((num_frames, size, size))
        zero = np.zeros((size, size))
        Z11, Z21, Z22 = zero, zero, zero  # blocks (k+1, k+1), (k+2, k+1), (k+2, k+2) of Z
        for k in range(num_frames - 1, -1, -1):
            L_inv = solve_triangular(self._block(k, k), eye, lower=True, check_finite=False)
            L1, L2 = self._block(k + 1, k), self._block(k + 2, k)
            Z1 = -(Z11 @ L1 + Z21.T @ L2) @ L_inv
            Z2 = -(Z21 @ L1 + Z22 @ L2) @ L_inv
            Z0 = (L_inv.T - Z1.T @ L1 - Z2.T @ L2) @ L_inv
            result[k] = (Z0 + Z0.T) / 2
            Z11, Z21, Z22 = result[k], Z1, Z11
        return result

    def _block(self, row: int, column: int) -> Float[np.ndarray, "n n"]:
        """Block of L; zero beyond the end."""
        size = self.size
        if row >= self.num_frames:
            return np.zeros((size, size))
        i = np.arange(size)[:, None]
        j = np.arange(size)[None, :]
        below = (row - column) * size + i - j
        inside = (below >= 0) & (below < len(self._factor))
        return np.where(inside, self._factor[np.clip(below, 0, len(self._factor) - 1), column * size + j], 0.0)


def _to_band(
    diagonal: Float[np.ndarray, "T n n"], first: Float[np.ndarray, "T1 n n"], second: Float[np.ndarray, "T2 n n"]
) -> Float[np.ndarray, "width N"]:
    """LAPACK's lower band storage: band[i - j, j] = A[i, j]."""
    num_frames, size = diagonal.shape[:2]
    coupled = min(_COUPLED, num_frames - 1)
    band = np.zeros(((coupled + 1) * size, num_frames, size))
    for shift, blocks in enumerate((diagonal, first, second)[: coupled + 1]):
        for j in range(size):
            rows = np.arange(size)
            keep = rows[shift * size + rows - j >= 0]
            band[shift * size + keep - j, : len(blocks), j] = blocks[:, keep, j].T
    return band.reshape(len(band), num_frames * size)
