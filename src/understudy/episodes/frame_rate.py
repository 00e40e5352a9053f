"""Frame rates as exact fractions: what is written as 29.97 is 30000/1001."""

from fractions import Fraction

__all__ = ["exact_rate"]

_ROUNDING = 2e-6
"""Relative: 29.97, 23.976, 59.94 and 119.88 are within 1.1e-6 of the rates they stand for."""


def exact_rate(fps: float | int | Fraction) -> Fraction:
    """The frame rate meant: n 1000/1001 of television where `fps` is it but for rounding, else the nearest simple one.

    A whole number, and a fraction with a denominator of at most 1001, stays what it is.
    """
    television = Fraction(1000 * round(fps * Fraction(1001, 1000)), 1001)
    if abs(Fraction(fps) - television) <= _ROUNDING * television:
        return television
    return Fraction(fps).limit_denominator(1001)
