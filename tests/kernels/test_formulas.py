"""Each activation's formula and all its derivatives in float32, against closed forms in float64, up to the extremes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from fastconv import reference
from fastconv.kernels import formulas
from fastconv.kernels.abi import pointer
from fastconv.layout import LANES
from fastconv.simd import vector
from tests.oracles import assert_close_to_terms

TOLERANCE = 1e-6

Values = NDArray[np.float64]

EXTREMES = np.array([
    0.0, -0.0, 1e-30, 1e-38, 1e-45, 1e30, 88, 88.5, 88.8, 89, 87.4, 104, 103.9, 103.98, 104.1, 3, 20, 14.2, 14.45,
    9, 10.5, 0.625, 2.4, 1e-4, 1e-8], np.float32)
ORDINARY = np.concatenate([
    np.linspace(-30, 30, 20_001), np.linspace(-3.2, 3.2, 20_001), np.linspace(-110, -70, 4_001),
    np.random.default_rng(0).normal(0, 4, 20_000)]).astype(np.float32)
X = np.concatenate([EXTREMES, -EXTREMES, ORDINARY])


def applied(name: str, x: NDArray[np.float32], *coefficients: float) -> list[NDArray[np.float32]]:
    """What a formula returns for x: the value, and the derivatives by x and by its three coefficients."""
    function = getattr(formulas, name)

    @njit
    def run(x, y, count, a, b, c):
        source, target = pointer(np.float32, x), pointer(np.float32, y)
        a, b, c = vector.splat(a), vector.splat(b), vector.splat(c)
        for i in range(0, count, 16):
            value, by_x, by_a, by_b, by_c = function(vector.load(source, i), a, b, c)
            zero = vector.load(source, i) * np.float32(0.0)
            vector.store(target, i, value)
            vector.store(target, count + i, by_x)
            vector.store(target, 2 * count + i, zero + by_a)
            vector.store(target, 3 * count + i, zero + by_b)
            vector.store(target, 4 * count + i, zero + by_c)

    whole = np.resize(x, -(-x.size // LANES) * LANES)
    results = np.empty((5, whole.size), np.float32)
    a, b, c = (np.float32(each) for each in (*coefficients, 0, 0, 0)[:3])
    run(whole.ctypes.data, results.ctypes.data, whole.size, a, b, c)
    return list(results[:, :x.size])


@dataclass(frozen=True)
class Case:
    """exact: what float64 makes of x.  terms: the magnitudes that it adds where they may cancel, in the same order."""

    formula: str
    coefficients: tuple[float, ...]
    exact: Callable[..., tuple[Values, ...]]
    terms: Callable[..., tuple[Any, ...]] = lambda x, *coefficients: (0, 0, 0, 0, 0)


def leaky_relu(x: Values, slope: float) -> tuple[Values, ...]:
    return reference.leaky_relu(x, slope), *reference.leaky_relu_grad(np.ones_like(x), x, slope)


def elu(x: Values, alpha: float, scale: float) -> tuple[Values, ...]:
    return scale * reference.elu(x, alpha), scale * reference.elu_grad(np.ones_like(x), x, alpha)


def sigmoid(x: Values) -> tuple[Values, ...]:
    return reference.sigmoid(x), reference.sigmoid(x) * reference.sigmoid(-x)


def tanh(x: Values) -> tuple[Values, ...]:
    return np.tanh(x), 4 * reference.sigmoid(2 * x) * reference.sigmoid(-2 * x)


def softplus(x: Values, beta: float, threshold: float) -> tuple[Values, ...]:
    return reference.softplus(x, beta, threshold), reference.softplus_grad(np.ones_like(x), x, beta, threshold)


def swish(x: Values, beta: float) -> tuple[Values, ...]:
    return reference.swish(x, beta), *reference.swish_grad(np.ones_like(x), x, beta)


def swish_terms(x: Values, beta: float) -> tuple[Any, ...]:
    u = beta * x
    return 0, reference.sigmoid(u) + np.abs(u) * reference.sigmoid(u) * reference.sigmoid(-u), 0


def gelu(x: Values) -> tuple[Values, ...]:
    return reference.gelu(x), reference.gelu_grad(np.ones_like(x), x)


def gelu_terms(x: Values) -> tuple[Any, ...]:
    return 0, reference.normal_cdf(x) + np.abs(x) * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def gelu_tanh(x: Values) -> tuple[Values, ...]:
    return reference.gelu(x, "tanh"), reference.gelu_grad(np.ones_like(x), x, "tanh")


def gelu_tanh_terms(x: Values) -> tuple[Any, ...]:
    u = math.sqrt(8 / math.pi) * (x + 0.044715 * x**3)
    return 0, reference.sigmoid(u) + np.abs(
        x * math.sqrt(8 / math.pi) * (1 + 3 * 0.044715 * x * x)) * reference.sigmoid(u) * reference.sigmoid(-u)


def mish(x: Values) -> tuple[Values, ...]:
    return reference.mish(x), reference.mish_grad(np.ones_like(x), x)


def mish_terms(x: Values) -> tuple[Any, ...]:
    e = np.exp(-np.abs(x))
    t = reference.mish(np.where(x == 0, 1, x)) / np.where(x == 0, 1, x)
    return 0, t + np.abs(x) * np.where(x < 0, 4 * e, 4 * e * e)


def hardswish(x: Values) -> tuple[Values, ...]:
    return reference.hardswish(x), reference.hardswish_grad(np.ones_like(x), x)


def hardswish_terms(x: Values) -> tuple[Any, ...]:
    return 0, np.where(np.abs(x) < 3, np.abs(x) / 3 + 0.5, 0)


def hardtanh(x: Values, low: float, high: float) -> tuple[Values, ...]:
    return reference.hardtanh(x, low, high), reference.hardtanh_grad(np.ones_like(x), x, low, high)


def acon(x: Values, p1: float, p2: float, beta: float) -> tuple[Values, ...]:
    return reference.acon(x, p1, p2, beta), *reference.acon_grad(np.ones_like(x), x, p1, p2, beta)


def acon_terms(x: Values, p1: float, p2: float, beta: Values | float) -> tuple[Any, ...]:
    v = (p1 - p2) * x
    u = beta * v
    bell = reference.sigmoid(u) * reference.sigmoid(-u)
    slope, rest = (reference.sigmoid(s * u) + np.abs(u) * bell for s in (1, -1))
    return (np.abs(v) * reference.sigmoid(u) + np.abs(p2 * x), np.abs(p1 - p2) * slope + abs(p2), np.abs(x) * slope,
            np.abs(x) * rest, 0)


def acon_of_pixel(x: Values, p1: float, p2: float) -> tuple[Values, ...]:
    value, by_x, by_p1, by_p2, by_beta = acon(x, p1, p2, reference.sigmoid(x))
    return value, by_x + by_beta * reference.sigmoid(x) * reference.sigmoid(-x), by_p1, by_p2


def acon_of_pixel_terms(x: Values, p1: float, p2: float) -> tuple[Any, ...]:
    """The switch σ(x) is itself rounded, by ε, and σ(u) with u = σ(x) (p1 - p2) x then off by u ε of its tail."""
    beta = reference.sigmoid(x)
    value, by_x, by_p1, by_p2, _ = acon_terms(x, p1, p2, beta)
    *_, by_beta = acon(x, p1, p2, beta)
    amplified = 1 + np.abs(beta * (p1 - p2) * x)
    return value, by_x + np.abs(by_beta) * beta * (1 - beta), by_p1 * amplified, by_p2 * amplified


F1, F2 = float(np.float32(1.3)), float(np.float32(-0.7))
CASES = {
    "leaky_relu": Case("leaky_relu", (float(np.float32(0.01)),), leaky_relu),
    "leaky_relu, negative": Case("leaky_relu", (-0.5,), leaky_relu),
    "elu": Case("elu", (1, 1), elu),
    "selu": Case("elu", (float(np.float32(1.6732632423543772)), float(np.float32(1.0507009873554805))), elu),
    "sigmoid": Case("sigmoid", (), sigmoid),
    "tanh": Case("tanh", (), tanh),
    "softplus": Case("softplus", (1, 20), softplus),
    "softplus, steep": Case("softplus", (2.5, 100), softplus),
    "softplus, linear soon": Case("softplus", (0.5, 0.25), softplus),
    "swish": Case("swish", (1,), swish, swish_terms),
    "swish, steep": Case("swish", (F1,), swish, swish_terms),
    "swish, negative": Case("swish", (F2,), swish, swish_terms),
    "swish, halved": Case("swish", (0,), swish, swish_terms),
    "gelu": Case("gelu", (), gelu, gelu_terms),
    "gelu_tanh": Case("gelu_tanh", (), gelu_tanh, gelu_tanh_terms),
    "mish": Case("mish", (), mish, mish_terms),
    "hardswish": Case("hardswish", (), hardswish, hardswish_terms),
    "hardtanh": Case("hardtanh", (-0.5, 2), hardtanh),
    "acon": Case("acon", (F1, F2, 1), acon, acon_terms),
    "acon, falling": Case("acon", (F2, F1, float(np.float32(1.7))), acon, acon_terms),
    "acon, mountain": Case("acon", (F1, F2, -2), acon, acon_terms),
    "acon as swish": Case("acon", (1, 0, 1), acon, acon_terms),
    "acon, nearly linear": Case("acon", (F1, float(np.float32(1.2999)), 3), acon, acon_terms),
    "acon, linear": Case("acon", (F1, F2, 0), acon, acon_terms),
    "acon_of_pixel": Case("acon_of_pixel", (F1, F2), acon_of_pixel, acon_of_pixel_terms),
    "acon_of_pixel, falling": Case("acon_of_pixel", (F2, F1), acon_of_pixel, acon_of_pixel_terms),
}
every = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every
def test_value_and_derivatives_agree_with_the_closed_form(case):
    exact_x = X.astype(np.float64)
    actual = applied(case.formula, X, *case.coefficients)
    with np.errstate(all="ignore"):
        expected, terms = case.exact(exact_x, *case.coefficients), case.terms(exact_x, *case.coefficients)
    for one, exact, scale in zip(actual, expected, terms, strict=False):
        assert_close_to_terms(one, exact, scale, TOLERANCE)


@every
def test_nan_gives_nan(case):
    assert np.isnan(applied(case.formula, np.array([np.nan], np.float32), *case.coefficients)[0]).all()


@every
def test_infinities_give_what_the_closed_form_does_where_that_is_a_number(case):
    x = np.array([np.inf, -np.inf], np.float32)
    with np.errstate(all="ignore"):
        expected = case.exact(x.astype(np.float64), *case.coefficients)[0].astype(np.float32)
    defined = ~np.isnan(expected)
    np.testing.assert_array_equal(applied(case.formula, x, *case.coefficients)[0][defined], expected[defined])


@njit
def _is_acon_valley(p1, p2, beta):
    return formulas._is_acon_valley(p1, p2, beta)


@pytest.mark.parametrize("p1", [-1.3, -0.1, 0.0, 0.05, 0.2, 0.9, 1.0, 2.0])
@pytest.mark.parametrize("p2", [-1.3, -0.1, 0.0, 0.05, 0.2, 0.9, 1.0, 2.0])
@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.3, 4.0])
def test_an_acon_said_to_be_a_valley_falls_and_then_rises(p1, p2, beta):
    is_valley = _is_acon_valley(*(np.float32(each) for each in (p1, p2, beta)))
    slopes = reference.acon_grad(1.0, np.linspace(-200, 200, 400_001), p1, p2, beta)[0]
    rising = slopes[np.abs(slopes) > 1e-12] > 0
    falls_after_rising = np.any(rising[:-1] & ~rising[1:])
    assert not (is_valley and falls_after_rising)
    if beta > 0 and p1 * p2 <= 0:
        assert is_valley  # the usual case is not missed


@pytest.mark.parametrize("beta", [0.0, 1e-45, 1e-38, 1e-30, 1e-25, 1e-24, 1e-23, 1e-20])
def test_a_switch_near_0_is_one_of_0(beta):
    x = X[np.abs(X) < 1e16]
    v = 1.5 * x.astype(np.float64)
    value, by_x, by_p1, by_p2, _ = applied("acon", x, 1.0, -0.5, beta)
    sigma = 1 / (1 + np.exp(-beta * v))
    np.testing.assert_allclose(value, v * sigma - 0.5 * x, rtol=TOLERANCE, atol=1e-44)
    np.testing.assert_allclose(by_x, 1.5 * sigma - 0.5, rtol=TOLERANCE, atol=1e-7)
    np.testing.assert_allclose(by_p1, x * sigma, rtol=TOLERANCE, atol=1e-44)
    np.testing.assert_allclose(by_p2, x * (1 - sigma), rtol=TOLERANCE, atol=1e-44)


@njit
def _is_acon_of_pixel_valley(p1, p2):
    return formulas._is_acon_of_pixel_valley(p1, p2, np.float32(0))


@pytest.mark.parametrize("p1", [-5.0, -1.3, -0.6, -0.1, 0.0, 0.05, 0.2, 0.9, 1.0, 2.0, 7.0])
@pytest.mark.parametrize("p2", [-5.0, -1.3, -0.6, -0.1, 0.0, 0.05, 0.2, 0.9, 1.0, 2.0, 7.0])
def test_an_acon_of_pixels_said_to_be_a_valley_falls_and_then_rises(p1, p2):
    is_valley = _is_acon_of_pixel_valley(np.float32(p1), np.float32(p2))
    slopes = _slope_of_pixels(p1, p2)
    rising = slopes[np.abs(slopes) > 1e-12] > 0
    assert not (is_valley and np.any(rising[:-1] & ~rising[1:]))
    if min(p1, p2) >= 0 and abs(p1 - p2) <= 8:
        assert is_valley  # the usual case is not missed


@pytest.mark.parametrize("difference", np.concatenate([[1e-3, 1e-2], np.linspace(0.1, 8, 80)]))
def test_the_slopes_of_an_acon_of_pixels_stay_within_what_its_valleys_rely_on(difference):
    slopes = _slope_of_pixels(difference, 0) / difference
    left, right = slopes[:slopes.size // 2], slopes[slopes.size // 2:]
    above = 0.5 + 0.0361 * difference
    assert slopes.min() >= 0
    assert slopes.max() <= 1.16
    assert left.max() <= above
    assert np.all(np.diff(right[right < 1 - 1e-12]) > 0)
    assert np.all(right[np.maximum.accumulate(right >= 1)] >= 1 - 1e-12)


def _slope_of_pixels(p1, p2):
    """(p1 - p2) (σ(u) + x u' σ(u) σ(-u)) + p2 with u = (p1 - p2) x σ(x)."""
    x = np.linspace(-100, 100, 200_002)
    beta = reference.sigmoid(x)
    u = (p1 - p2) * x * beta
    sigma = reference.sigmoid(u)
    return (p1 - p2) * (sigma + u * (1 + x * (1 - beta)) * sigma * (1 - sigma)) + p2


@pytest.mark.parametrize(("slope", "last"), [
    (lambda x: reference.gelu_grad(1.0, x), 37), (lambda x: reference.gelu_grad(1.0, x, "tanh"), 20),
    (lambda x: reference.mish_grad(1.0, x), 700), (lambda x: reference.swish_grad(1.0, x)[0], 700)])
def test_the_formulas_that_are_always_valleys_fall_and_then_rise(slope, last):
    slopes = slope(np.linspace(-last, last, 100_001))
    rising = slopes[slopes != 0] > 0
    assert np.count_nonzero(rising[:-1] != rising[1:]) == 1
    assert rising[-1]
