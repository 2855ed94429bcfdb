"""The vector functions: within their bounds of float64 over all of float32, and exact at its ends."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from fastconv import reference
from fastconv.kernels.abi import pointer
from fastconv.layout import LANES
from fastconv.simd import math as simd
from fastconv.simd import vector

SMALLEST = 2.0**-149  # the distance of denormal numbers


@dataclass(frozen=True)
class Function:
    """ulps: the bound.  near: where its formula changes; the floats around are all tested."""

    function: Any
    exact: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    ulps: float
    near: tuple[float, ...]


def logistic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


FUNCTIONS = {
    "exp": Function(simd.exp, np.exp, 1.1, (-104, -103.97, -87.34, 88.72284, 89, math.log(2) / 2)),
    "expm1": Function(simd.expm1, np.expm1, 2, (-30, 60, -0.34657, 0.34657, 88.72284)),
    "log": Function(simd.log, np.log, 1, (1, math.sqrt(0.5), math.sqrt(2), 2.0**-126)),
    "log1p": Function(simd.log1p, np.log1p, 2, (-1, math.sqrt(0.5) - 1, math.sqrt(2) - 1, 2.0**24)),
    "sigmoid": Function(simd.sigmoid, logistic, 2, (-104, -103.97, -87.34, -1.4, 17)),
    "tanh": Function(simd.tanh, np.tanh, 2, (0.625, -0.625, 9.01)),
    "normal_cdf": Function(simd.normal_cdf, reference.normal_cdf, 5, (-14.17, -14.42, -14.5)),
}
every = pytest.mark.parametrize("name", FUNCTIONS)
quick_to_check = pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "normal_cdf"])


def applied(function: Any) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    @njit
    def run(x, y, count):
        source, target = pointer(np.float32, x), pointer(np.float32, y)
        for i in range(0, count, 16):
            vector.store(target, i, function(vector.load(source, i)))

    def apply(x: NDArray[np.float32]) -> NDArray[np.float32]:
        whole = np.resize(x, -(-x.size // LANES) * LANES)
        y = np.empty_like(whole)
        run(whole.ctypes.data, y.ctypes.data, whole.size)
        return y[:x.size]

    return apply


APPLIED = {name: applied(each.function) for name, each in FUNCTIONS.items()}


def strided(step: int, most: int = 1 << 22) -> Iterator[NDArray[np.float32]]:
    """Every step-th of all float32 values, NaN and infinities included."""
    for start in range(0, 2**32, step * most):
        yield np.arange(start, min(2**32, start + step * most), step, np.int64).astype(np.uint32).view(np.float32)


def neighbours(x: float, count: int = 2000) -> NDArray[np.float32]:
    """The floats around x."""
    return (np.float32(x).view(np.int32) + np.arange(-count, count, dtype=np.int32)).view(np.float32)


def check(name: str, x: NDArray[np.float32]) -> None:
    each = FUNCTIONS[name]
    actual = APPLIED[name](x)
    with np.errstate(all="ignore"):
        exact = each.exact(x.astype(np.float64))
        rounded = exact.astype(np.float32)
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(rounded))
    infinite = np.isinf(rounded)
    np.testing.assert_array_equal(actual[infinite], rounded[infinite])
    finite = np.isfinite(rounded)
    ulp = np.maximum(np.spacing(np.abs(rounded[finite])).astype(np.float64), SMALLEST)
    error = np.abs(actual[finite] - exact[finite]) / ulp
    off = error > each.ulps
    assert not off.any(), f"{name}({x[finite][off][0]!r}) is off by {error[off][0]:.2f} ulp"


@every
def test_a_function_is_within_its_bound_of_float64_from_the_smallest_to_the_largest_number(name):
    for x in strided(104_729 if name == "normal_cdf" else 4_099):
        check(name, x)


@every
def test_a_function_is_within_its_bound_around_the_places_where_its_formula_changes(name):
    for place in (*FUNCTIONS[name].near, 0.0, 1.0, -1.0):
        check(name, neighbours(place))


@quick_to_check
@pytest.mark.slow
def test_a_function_is_within_its_bound_for_one_of_61_of_all_numbers(name):
    for x in strided(61):
        check(name, x)


@pytest.mark.parametrize(("name", "x", "y"), [
    ("exp", [np.inf, -np.inf, 0.0, -0.0, 89, -104, 1e30, -1e30], [np.inf, 0, 1, 1, np.inf, 0, np.inf, 0]),
    ("expm1", [np.inf, -np.inf, 0.0, 1e-45, -1e-45, 1e30, -1e30], [np.inf, -1, 0, 1e-45, -1e-45, np.inf, -1]),
    ("log", [np.inf, 0.0, -0.0, 1.0, -1.0, -np.inf, -1e-45], [np.inf, -np.inf, -np.inf, 0, np.nan, np.nan, np.nan]),
    ("log1p", [np.inf, 0.0, 1e-45, -1.0, -2.0, -np.inf], [np.inf, 0, 1e-45, -np.inf, np.nan, np.nan]),
    ("sigmoid", [np.inf, -np.inf, 0.0, -0.0, 1e30, -1e30, -104], [1, 0, 0.5, 0.5, 1, 0, 0]),
    ("tanh", [np.inf, -np.inf, 0.0, 1e-45, 1e30, -1e30], [1, -1, 0, 1e-45, 1, -1]),
    ("normal_cdf", [np.inf, -np.inf, 0.0, 1e30, -1e30], [1, 0, 0.5, 1, 0]),
])
def test_a_function_is_exact_at_the_ends_of_its_range(name, x, y):
    np.testing.assert_array_equal(APPLIED[name](np.array(x, np.float32)), np.array(y, np.float32))


@every
def test_nan_gives_nan(name):
    assert np.isnan(APPLIED[name](np.array([np.nan, -np.nan], np.float32))).all()


def test_tanh_keeps_the_sign_of_zero():
    assert np.signbit(APPLIED["tanh"](np.array([-0.0, 0.0], np.float32))).tolist() == [True, False]
