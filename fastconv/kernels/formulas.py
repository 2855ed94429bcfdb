"""Activations as formulas: of a vector x and up to three coefficients a, b, c, the value and its derivatives.

Each returns (y, dy/dx, dy/da, dy/db, dy/dc); derivatives by coefficients that nobody learns are zero. A kernel that
uses some of them costs only those. Tails keep their relative accuracy: nothing close to 1 is subtracted from 1, and
exponentials stay scaled (`simd.math`) up to the last multiplication.
"""

from __future__ import annotations

import numpy as np

from fastconv.simd import math, vector
from fastconv.simd.math import HALF, LEAST, ONE, TWO, UNSCALE, ZERO
from fastconv.simd.native import native

_FOUR = np.float32(4.0)
_THIRD, _SIXTH, _THREE = np.float32(1 / 3), np.float32(1 / 6), np.float32(3.0)

#: √(8/π) = _TANH_A + _TANH_A_LOW, the first of 12 bits, and √(8/π) · 0.044715: the tanh form is x σ(A x + B x³).
_TANH_A, _TANH_A_LOW, _TANH_B = np.float32(1.595703125), np.float32(6.599660264e-5), np.float32(0.0713548162726)
_TANH_B_LOW = np.float32(2.398807e-9)
_TANH_END = np.float32(11.0)  # beyond, the tail is 0 in float32

_SWISH_OVERSHOOT = np.float32(0.0999)  # Swish's slope is between -0.0998394 and 1.0998394
_FLAT, _LEAST_NORMAL = np.float32(2.0**-80), np.float32(2.0**-126)
_PIXEL_RISE = np.float32(0.0361)  # by difference, what `_is_acon_of_pixel_valley` says of slopes for x < 0
_PIXEL_OVERSHOOT = np.float32(0.16)  # and of those for x > 0; both hold up to _PIXEL_MOST
_PIXEL_MOST = np.float32(8.0)
_SIGMOID_END = np.float32(-64.0)
_NORMAL_DENSITY = np.float32(0.3989422804)  # 1 / √(2π)


@native
def affine(x, scale, shift, _c):
    """a x + b"""
    return vector.fma(scale, x, shift), scale, x, ONE, ZERO


@native
def leaky_relu(x, slope, _b, _c):
    """x where it is positive, a x elsewhere."""
    positive = x > ZERO
    return (vector.select(positive, x, slope * x), vector.select(positive, ONE, slope),
            vector.select(positive, ZERO, x), ZERO, ZERO)


@native
def _exp_of_minus(a, a_lost, x):
    """2³² e^-(|a| + a_lost) x for x from 0."""
    steep = -vector.magnitude(a)
    product = steep * x
    n, power = math.nearest_power(product)
    return math.scaled_power(product, power, vector.fma(-a_lost, x, math.product_remainder(steep, x, n)))


@native
def elu(x, alpha, scale, _c):
    """b x where x is positive, b a (eˣ - 1) elsewhere (Clevert et al. 2016, equation 15)."""
    product = -vector.magnitude(x)
    n, power = math.nearest_power(product)
    q, whole = math.expm1_near_0(math.remainder(product, n)), power * UNSCALE
    vanished = product < LEAST
    minus = vector.select(vanished, -ONE, vector.fma(q, whole, whole - ONE))
    scaled = vector.select(vanished, ZERO, vector.fma(q, power, power))
    positive, steep = x > ZERO, scale * alpha
    return (vector.select(positive, scale * x, steep * minus),
            vector.select(positive, scale, steep * scaled * UNSCALE), ZERO, ZERO, ZERO)


@native
def sigmoid(x, _a, _b, _c):
    """1 / (1 + e⁻ˣ)"""
    size = vector.magnitude(x)
    scaled = math.scaled_exp(-size)
    larger = ONE / vector.fma(scaled, UNSCALE, ONE)
    smaller = larger * scaled
    return vector.select(x < ZERO, smaller * UNSCALE, larger), larger * smaller * UNSCALE, ZERO, ZERO, ZERO


@native
def tanh(x, _a, _b, _c):
    """tanh x, with the derivative 1 - tanh² x = (1 - t) (1 + t)."""
    small, part = math.tanh_parts(x)
    near, far = vector.fma(-part, part, ONE), part * vector.fma(part, -UNSCALE, TWO) * UNSCALE
    value = vector.with_sign(vector.select(small, part, vector.fma(part, -UNSCALE, ONE)), x)
    return value, vector.select(small, near, far), ZERO, ZERO, ZERO


@native
def softplus(x, beta, threshold, _c):
    """log(1 + e^(a x)) / a, and x itself where a x > b."""
    u = beta * x
    size = vector.magnitude(x)
    steep = -vector.magnitude(beta)
    scaled = math.scaled_exp_of_product(steep, size, steep * size)
    e = scaled * UNSCALE
    larger = ONE / (e + ONE)
    linear = u > threshold
    value = (vector.at_least(u, ZERO) + math.log1p(e)) * (ONE / beta)
    slope = vector.select(u < ZERO, larger * scaled * UNSCALE, larger)
    return vector.select(linear, x, value), vector.select(linear, ONE, slope), ZERO, ZERO, ZERO


@native
def _switch(u, scaled):
    """The parts of σ(u) from scaled = 2³² e^(-|u|): whether u < 0; σ(|u|), 2³² σ(-|u|), u, and 2³² σ(u) σ(-u)."""
    larger = ONE / vector.fma(scaled, UNSCALE, ONE)
    smaller = larger * scaled
    return u < ZERO, larger, smaller, u, larger * smaller


@native
def _gated(v, switch):
    """v σ(u); σ(u) + u σ(u) σ(-u), its derivative by v where u is a multiple of v; and 1 minus that."""
    negative, larger, smaller, u, bell = switch
    value = vector.select(negative, v * smaller * UNSCALE, v * larger)
    turn = u * bell
    slope = vector.select(negative, (smaller + turn) * UNSCALE, vector.fma(turn, UNSCALE, larger))
    rest = vector.select(negative, vector.fma(-turn, UNSCALE, larger), (smaller - turn) * UNSCALE)
    return value, slope, rest


@native
def swish(x, beta, _b, _c):
    """x σ(a x) (Ramachandran et al. 2017); by a, x² σ(a x) σ(-a x)."""
    size, steep = vector.magnitude(x), -vector.magnitude(beta)
    switch = _switch(beta * x, math.scaled_exp_of_product(steep, size, steep * size))
    value, slope, _ = _gated(x, switch)
    return value, slope, x * switch[4] * x * UNSCALE, ZERO, ZERO


@native
def acon(x, p1, p2, beta):
    """(a - b) x σ(c (a - b) x) + b x, ACON-C (Ma et al. 2021, section 3.2).

    Arithmetic with denormal numbers is slow, and meta-ACON's switch comes close to 0. So a c (a - b) below 2⁻¹²⁶ counts
    as 0, and of one below 2⁻⁸⁰ the rounding is not made good, which would show for |x| above 10²⁴.
    """
    difference = p1 - p2
    minus_p2 = difference - p1  # p1 - p2 = difference + lost (Knuth 1969, section 4.2.2, theorem B)
    lost = (p1 - (difference - minus_p2)) - (p2 + minus_p2)
    steep = beta * difference
    size = vector.magnitude(steep)
    flat, steep = size < _FLAT, vector.select(size < _LEAST_NORMAL, ZERO, steep)
    factor, product = vector.select(flat, ZERO, beta), vector.select(flat, ZERO, steep)
    steep_lost = vector.fma(factor, lost, vector.fma(factor, difference, -product))
    scaled = _exp_of_minus(steep, vector.select(steep < ZERO, -steep_lost, steep_lost), vector.magnitude(x))
    return _acon(x, difference * x, difference, p2, _switch(steep * x, scaled))


@native
def _acon(x, v, difference, p2, switch):
    """ACON-C from v = (p1 - p2) x and what `_switch` returns for β v."""
    value, inner, rest = _gated(v, switch)
    return (vector.fma(p2, x, value), vector.fma(difference, inner, p2), x * inner, x * rest,
            v * switch[4] * v * UNSCALE)


@native
def _absolute_sigmoid(x):
    """σ(x), with its derivative σ(x) (1 - σ(x)), to the last place of 1 rather than of themselves; 0 below -64."""
    product = vector.at_least(-x, LEAST)
    n, power = math.nearest_power(product)
    q = math.expm1_near_0(math.remainder(product, n))
    value = ONE / vector.fma(vector.fma(q, power, power), UNSCALE, ONE)
    value = vector.select(x < _SIGMOID_END, ZERO, value)
    return value, vector.fma(-value, value, value)


@native
def acon_of_pixel(x, p1, p2, _c):
    """ACON-C whose switch c is σ(x) (Ma et al. 2021, section 3.3, pixel-wise)."""
    beta, bell = _absolute_sigmoid(x)
    difference, size = p1 - p2, vector.magnitude(x)
    v = difference * x
    steep = -vector.magnitude(difference) * beta
    switch = _switch(beta * v, math.scaled_exp_of_product(steep, size, steep * size))
    value, slope, by_p1, by_p2, _ = _acon(x, v, difference, p2, switch)
    return value, vector.fma(v * bell, v * (switch[4] * UNSCALE), slope), by_p1, by_p2, ZERO


@native
def gelu(x, _a, _b, _c):
    """x Φ(x), with the derivative Φ(x) + x φ(x) (Hendrycks and Gimpel 2016, section 2)."""
    tail, bell = math.normal_tail(vector.magnitude(x))
    density = vector.with_sign(vector.at_most(vector.magnitude(x), math.MILLS_END), x) * (bell * _NORMAL_DENSITY)
    positive = x > ZERO
    value = vector.select(positive, x * vector.fma(tail, -UNSCALE, ONE), x * tail * UNSCALE)
    slope = vector.select(positive, vector.fma(density - tail, UNSCALE, ONE), (density + tail) * UNSCALE)
    return value, slope, ZERO, ZERO, ZERO


@native
def gelu_tanh(x, _a, _b, _c):
    """x σ(2y) = x (1 + tanh y) / 2 with y = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel 2016, section 2)."""
    size = vector.at_most(vector.magnitude(x), _TANH_END)
    square = size * size
    factor = vector.fma(square, _TANH_B, _TANH_A)
    lost = vector.fma(square, _TANH_B, _TANH_A - factor) + vector.fma(square, _TANH_B_LOW, _TANH_A_LOW)
    lost = vector.fma(vector.fma(size, size, -square), _TANH_B, lost)  # of factor, and of the square in it
    scaled = _exp_of_minus(factor, lost, size)
    larger = ONE / vector.fma(scaled, UNSCALE, ONE)
    smaller = larger * scaled
    turn = vector.with_sign(size * vector.fma(square, _THREE * _TANH_B, _TANH_A + _TANH_A_LOW) * larger * smaller, x)
    positive = x > ZERO
    value = vector.select(positive, x * larger, x * smaller * UNSCALE)
    slope = vector.select(positive, vector.fma(turn, UNSCALE, larger), (smaller + turn) * UNSCALE)
    return value, slope, ZERO, ZERO, ZERO


@native
def mish(x, _a, _b, _c):
    """x tanh(log(1 + eˣ)) (Misra 2019, equation 1).

    With e = e^(-|x|): tanh(…) is (1 + 2e) / (1 + 2e + 2e²) for positive x and e (e + 2) / (e (e + 2) + 2) for others.
    """
    size = vector.magnitude(x)
    scaled = math.scaled_exp(-size)
    e = scaled * UNSCALE
    positive = x > ZERO
    high = vector.fma(e, TWO, ONE)
    low = e + TWO
    reciprocal = ONE / vector.select(positive, vector.fma(e * e, TWO, high), vector.fma(e, low, TWO))
    whole, part = high * reciprocal, scaled * (low * reciprocal)
    value = vector.select(positive, x * whole, x * part * UNSCALE)
    turn = _FOUR * vector.with_sign(vector.at_most(size, -LEAST), x) * (scaled * reciprocal) * (
        (ONE + e) * reciprocal)
    slope = vector.select(positive, vector.fma(turn * e, UNSCALE, whole), (part + turn) * UNSCALE)
    return value, slope, ZERO, ZERO, ZERO


@native
def hardswish(x, _a, _b, _c):
    """x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, section 5.2)."""
    value = x * (vector.at_most(vector.at_least(x + _THREE, ZERO), TWO * _THREE) * _SIXTH)
    slope = vector.fma(x, _THIRD, HALF)
    slope = vector.select(x > -_THREE, vector.select(x < _THREE, slope, ONE), ZERO)
    return value, slope, ZERO, ZERO, ZERO


@native
def hardtanh(x, low, high, _c):
    """min(max(x, a), b)"""
    value = vector.select(x < low, low, vector.select(x > high, high, x))
    return value, vector.select(x > low, vector.select(x < high, ONE, ZERO), ZERO), ZERO, ZERO, ZERO


@native
def _always(_a, _b, _c):
    return True


@native
def _never(_a, _b, _c):
    return False


@native
def _is_swish_valley(beta, _b, _c):
    return beta >= ZERO


@native
def _is_acon_valley(p1, p2, beta):
    """By x / (p1 - p2), the slope is that of Swish at β (p1 - p2) x plus p2 / (p1 - p2).

    Swish's slope rises through every value from 0 to 1 once, and comes back only by less than 0.0999 to either side.
    """
    turns_once = (p1 <= ZERO <= p2) or (p2 <= ZERO <= p1)
    return beta >= ZERO and (turns_once or min(abs(p1), abs(p2)) >= _SWISH_OVERSHOOT * abs(p1 - p2))


@native
def _is_acon_of_pixel_valley(p1, p2, _c):
    """With d = |p1 - p2| up to 8 the slope is min(p1, p2) + d s(x), where s is between 0 and 1.16.

    s is at most 1/2 + 0.0361 d for negative x; from there it rises through every value to 1 and stays above. The tests
    measure all of that.
    """
    least, most = min(p1, p2), max(p1, p2)
    difference = most - least
    falls = least + (HALF + _PIXEL_RISE * difference) * difference <= ZERO <= most
    return difference <= _PIXEL_MOST and (least >= ZERO or falls or most + _PIXEL_OVERSHOOT * difference <= ZERO)


#: By formula, whether for some a, b and c it is a valley: it falls up to one x, perhaps at infinity, and rises from
#: there. Of several x the least or the greatest then gives the largest value.
VALLEYS = {
    "gelu": _always, "gelu_tanh": _always, "mish": _always, "swish": _is_swish_valley, "acon": _is_acon_valley,
    "acon_of_pixel": _is_acon_of_pixel_valley}


def valley(formula: str):
    """The function of a, b and c that says whether a formula is a valley; one that is never asked for is none."""
    return VALLEYS.get(formula, _never)
