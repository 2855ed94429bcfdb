"""The function that a deterministic method minimises: counted, and checked where it meets the user's code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastconv.errors import DataError, DtypeError, ShapeError

Vector = NDArray[np.float64]


def dot(a: Vector, b: Vector) -> float:
    """Σ aᵢ bᵢ, not by NumPy's product: its threads look for more work for 100 ms, on processors that f needs next."""
    return float(np.einsum("i,i", a, b))


@dataclass(frozen=True, eq=False)
class Point:
    """x: (n,), the value f there, and the gradient: (n,)."""

    x: Vector
    f: float
    gradient: Vector

    @property
    def finite(self) -> bool:
        with np.errstate(over="ignore", invalid="ignore"):
            return math.isfinite(self.f) and math.isfinite(dot(self.gradient, self.gradient))

    @property
    def gradient_norm(self) -> float:
        return math.sqrt(dot(self.gradient, self.gradient))


class Objective:
    """f and its gradient in n variables. evaluations: how often both were computed.

    f: (n,) float64 → the value, or without a gradient function → (value, gradient).
    """

    def __init__(self, f: Callable[[Vector], Any], gradient: Callable[[Vector], ArrayLike] | None) -> None:
        self._f, self._gradient = f, gradient
        self.evaluations = 0

    def start(self, x0: ArrayLike) -> Point:
        """The point at x0, copied. Raises where it is no vector of finite numbers, or f is not finite there."""
        x = np.array(x0, np.float64)
        if x.ndim != 1 or x.size == 0:
            raise ShapeError(f"x0: expected a vector (n,) with n at least 1, got shape {x.shape}")
        if not np.isfinite(x).all():
            raise DataError(f"x0: expected finite numbers, got {x[~np.isfinite(x)][0]}")
        point = self.at(x)
        if not math.isfinite(point.f):
            raise DataError(f"f is {point.f} at x0; start where f is finite")
        if not point.finite:
            raise DataError("the gradient at x0 has NaN, infinite or immense values; start where it is finite")
        return point

    def at(self, x: Vector) -> Point:
        """The point at x; NaN and infinity are the caller's to judge, so NumPy does not warn of them."""
        self.evaluations += 1
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            value, gradient = self._evaluate(x)
            slopes = np.array(gradient, np.float64)
        if slopes.shape != x.shape:
            raise ShapeError(f"the gradient: expected shape {x.shape}, as x0, got {slopes.shape}")
        return Point(x, _scalar(value), slopes)

    def _evaluate(self, x: Vector) -> tuple[Any, Any]:
        if self._gradient is not None:
            return self._f(x.copy()), self._gradient(x.copy())
        pair = self._f(x.copy())
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise DtypeError(f"expected f to return (value, gradient), as no gradient function is given; got {pair!r}")
        return pair


def _scalar(value: Any) -> float:
    array = np.asarray(value)
    if array.size != 1 or not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        raise DtypeError(f"expected f to return one real number, got {value!r}")
    return float(array.item())
