"""Symmetric block-banded systems of trajectory problems: solve A x = b, and the diagonal blocks of A's inverse.

A has T x T blocks of n x n; frame t meets t+1 and t+2 (second differences couple three frames), nothing further. The
Cholesky factor A = L L^T keeps the band, so both cost O(T n^3):

    L_kk L_kk^T = A_kk - L_k,k-1 L_k,k-1^T - L_k,k-2 L_k,k-2^T
    L_k+1,k = (A_k+1,k - L_k+1,k-1 L_k,k-1^T) L_kk^-T,      L_k+2,k = A_k+2,k L_kk^-T

LAPACK has the same for scalar bands, but its threads cost ten times what they save on a busy machine; blocks of this
size run on one thread.
"""

import numpy as np
from jaxtyping import Float

__all__ = ["BandedCholesky"]


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
        num, size = diagonal.shape[:2]
        self._inverse = np.empty((num, size, size))  # of L_kk
        self._L1 = np.zeros((num, size, size))  # L_k+1,k; the last is zero
        self._L2 = np.zeros((num, size, size))  # L_k+2,k; the last two are zero
        for k in range(num):
            block = diagonal[k]
            if k >= 1:
                block = block - self._L1[k - 1] @ self._L1[k - 1].T
            if k >= 2:
                block = block - self._L2[k - 2] @ self._L2[k - 2].T
            self._inverse[k] = np.linalg.inv(np.linalg.cholesky(block))
            if k + 1 < num:
                below = first[k] - self._L2[k - 1] @ self._L1[k - 1].T if k >= 1 else first[k]
                self._L1[k] = below @ self._inverse[k].T
            if k + 2 < num:
                self._L2[k] = second[k] @ self._inverse[k].T

    def solve(self, b: Float[np.ndarray, "T n"]) -> Float[np.ndarray, "T n"]:
        """Solution x of A x = b: L y = b forwards, L^T x = y backwards."""
        num = len(b)
        y = np.zeros((num + 2, b.shape[1]))
        for k in range(num):
            right = b[k].copy()
            if k >= 1:
                right -= self._L1[k - 1] @ y[k - 1]
            if k >= 2:
                right -= self._L2[k - 2] @ y[k - 2]
            y[k] = self._inverse[k] @ right
        for k in range(num - 1, -1, -1):  # y becomes x from the end
            y[k] = self._inverse[k].T @ (y[k] - self._L1[k].T @ y[k + 1] - self._L2[k].T @ y[k + 2])
        return y[:num]

    def inverse_diagonal(self) -> Float[np.ndarray, "T n n"]:
        """Blocks (t, t) of Z = A^-1 by Takahashi's recursion, from Z L = L^-T read block column by block column.

        Z_jk = -(sum_i Z_ji L_ik) L_kk^-1 for j > k, i in {k+1, k+2};  Z_kk = (L_kk^-T - sum_i Z_ki L_ik) L_kk^-1.
        """
        num, size = self._inverse.shape[:2]
        result = np.zeros((num, size, size))
        zero = np.zeros((size, size))
        Z11, Z21, Z22 = zero, zero, zero  # blocks (k+1, k+1), (k+2, k+1), (k+2, k+2) of Z
        for k in range(num - 1, -1, -1):
            L_inverse, L1, L2 = self._inverse[k], self._L1[k], self._L2[k]
            Z1 = -(Z11 @ L1 + Z21.T @ L2) @ L_inverse
            Z2 = -(Z21 @ L1 + Z22 @ L2) @ L_inverse
            Z0 = (L_inverse.T - Z1.T @ L1 - Z2.T @ L2) @ L_inverse
            result[k] = (Z0 + Z0.T) / 2
            Z11, Z21, Z22 = result[k], Z1, Z11
        return result
