"""Elementary functions on vectors of 16 floats, each within 2 ulp of the exact value for every float32.

An ulp is the distance of two neighbouring floats at the result. NaN gives NaN, infinities and results that over- or
underflow give what the exact function does, and denormal numbers count like all others.

They share one exponential: e^x = 2ⁿ (1 + q) with n the integer nearest to x / ln 2 and q = e^r - 1 a polynomial of the
remainder r (Cody and Waite 1980, chapter 6; coefficients by a weighted minimax fit). 2ⁿ is kept 2³² times larger
than it is, so that no step before a function's last multiplication meets a denormal number.
"""

from __future__ import annotations

import numpy as np

from fastconv.simd import vector
from fastconv.simd.native import native

ZERO, HALF, ONE, TWO = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
INFINITY, NAN = np.float32(np.inf), np.float32(np.nan)

#: Below this e^x is 0 to float32 (from -104 on), and so are its products with all that occurs in formulas.
LEAST = np.float32(-109.5)

#: What exponentials are scaled by, and what undoes it.
SCALE, UNSCALE = np.float32(2.0**32), np.float32(2.0**-32)

_LOG2_E = np.float32(1.44269504)
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # n times the first is exact

#: 1.5 · 2²³ rounds what is added to it to an integer, and holds that in its low bits; 127 + 32 makes it the exponent
#: of a scaled power of two.
_ROUNDER = np.float32(1.5 * 2**23 + 159)
_ROUNDER_BITS = np.int32(0x4B40009F)
_EXPONENT_SHIFT = np.int32(23)

_EXPM1 = tuple(np.float32(c) for c in (
    0.5, 0.16666537523269653, 0.041666265577077866, 0.008367239497601986, 0.001394758466631174))

_LOG1P = tuple(np.float32(c) for c in (
    0.3333331346511841, -0.25000011920928955, 0.20002157986164093, -0.16667966544628143, 0.14218632876873016,
    -0.12405440956354141, 0.11895421147346497, -0.11680322885513306, 0.06735505163669586))
_SMALL_TANH = np.float32(0.625)
_TANH = tuple(np.float32(c) for c in (
    -0.3333328068256378, 0.13331420719623566, -0.05373779684305191, 0.02063254453241825, -0.00569738307967782))
_SMALLEST_NORMAL, _TWO_23 = np.float32(2.0**-126), np.float32(2.0**23)
_SQRT_HALF_BITS, _MANTISSA, _23 = np.int32(0x3F3504F3), np.int32(0x007FFFFF), np.float32(23.0)

#: Φ(-t) e^(t²/2) (t + 2.5) as a polynomial of (t - 2.5) / (t + 2.5), for t from 0 to 14.5.
_MILLS_CENTRE, MILLS_END = np.float32(2.5), np.float32(14.5)
_MILLS = tuple(np.float32(c) for c in (
    0.7066566348075867, -0.43369200825691223, 0.13198696076869965, 0.009235914796590805, -0.016386020928621292,
    -0.0016009610844776034, 0.002523296745494008, 0.000684344326145947, -0.0003108644450549036,
    -0.00015726643323432654))


@native
def nearest_power(x):
    """n, the integer nearest to x / ln 2, and 2ⁿ⁺³², for x from -109.5 to 65; outside, anything."""
    rounded = vector.fma(x, _LOG2_E, _ROUNDER)
    return rounded - _ROUNDER, vector.from_bits(vector.bits(rounded) << _EXPONENT_SHIFT)


@native
def remainder(x, n):
    """x - n ln 2"""
    return vector.fma(n, -_LN2_LOW, vector.fma(n, -_LN2_HIGH, x))


@native
def product_remainder(a, x, n):
    """a·x - n ln 2, as if the product had not been rounded."""
    return vector.fma(n, -_LN2_LOW, vector.fma(a, x, n * -_LN2_HIGH))


@native
def expm1_near_0(r):
    """e^r - 1 for |r| up to ln 2 / 2: the polynomial in parts that need not wait for each other."""
    c0, c1, c2, c3, c4 = _EXPM1
    square = r * r
    high = vector.fma(square, c4, vector.fma(r, c3, c2))
    return vector.fma(square, vector.fma(square, high, vector.fma(r, c1, c0)), r)


@native
def scaled_power(product, power, r):
    """`power` e^r, or 0 where `product` is below `LEAST`."""
    return vector.select(product < LEAST, ZERO, vector.fma(expm1_near_0(r), power, power))


@native
def scaled_exp(x):
    """2³² eˣ for x up to 0; 0 below `LEAST`."""
    n, power = nearest_power(x)
    return scaled_power(x, power, remainder(x, n))


@native
def scaled_exp_of_product(a, x, product):
    """2³² e^(a x) for a x up to 0, of which `product` is the rounded value; 0 below `LEAST`."""
    n, power = nearest_power(product)
    return scaled_power(product, power, product_remainder(a, x, n))


@native
def _power(exponent):
    """2 to integers from -126 to 127."""
    return vector.from_bits((exponent + np.int32(127)) << _EXPONENT_SHIFT)


@native
def exp(x):
    """eˣ within 1 ulp."""
    x = vector.at_most(vector.at_least(x, LEAST), np.float32(89.0))
    rounded = vector.fma(x, _LOG2_E, _ROUNDER)
    q = expm1_near_0(remainder(x, rounded - _ROUNDER))
    exponent = vector.bits(rounded) - _ROUNDER_BITS
    half = exponent >> np.int32(1)
    power = _power(half)
    return vector.fma(q, power, power) * _power(exponent - half)


@native
def expm1(x):
    """eˣ - 1 within 1 ulp."""
    small = vector.at_most(vector.at_least(x, np.float32(-30.0)), np.float32(60.0))
    n, power = nearest_power(small)
    power = power * UNSCALE
    y = vector.fma(expm1_near_0(remainder(small, n)), power, power - ONE)
    return vector.select(x > np.float32(60.0), exp(x), y)


@native
def _log_of_parts(f, k):
    """log(1 + f) + k log 2 for 1 + f from √½ to √2."""
    square = f * f
    y = vector.fma(k, _LN2_LOW, square * (f * vector.polynomial(f, _LOG1P)))
    return vector.fma(k, _LN2_HIGH, f + vector.fma(square, -HALF, y))


@native
def _split(x):
    """The m from √½ to √2 and the integers k of x = m 2ᵏ, for normal numbers."""
    bits = vector.bits(x) - _SQRT_HALF_BITS
    return vector.from_bits((bits & _MANTISSA) + _SQRT_HALF_BITS), bits >> _EXPONENT_SHIFT


@native
def _with_ends(y, x):
    """y, a logarithm of x, where x is a positive number; what the logarithm is of others."""
    y = vector.select(x < INFINITY, y, x)
    y = vector.select(x == ZERO, -INFINITY, y)
    return vector.select(x < ZERO, NAN, y)


@native
def log(x):
    """The natural logarithm within 1 ulp; -inf at 0, NaN below."""
    denormal = x < _SMALLEST_NORMAL
    m, k = _split(vector.select(denormal, x * _TWO_23, x))
    k = vector.to_floats(k) - vector.select(denormal, _23, ZERO)
    return _with_ends(_log_of_parts(m - ONE, k), x)


@native
def log1p(x):
    """log(1 + x) within 1 ulp; -inf at -1, NaN below."""
    u = x + ONE
    rounded_x = u - ONE
    lost = (ONE - (u - rounded_x)) + (x - rounded_x)  # 1 + x = u + lost (Knuth 1969, section 4.2.2, theorem B)
    m, k = _split(u)
    lost = vector.select(u < _TWO_23 * TWO, lost * _power(-k), ZERO)
    return _with_ends(_log_of_parts((m - ONE) + lost, vector.to_floats(k)), u)


@native
def sigmoid(x):
    """1 / (1 + e⁻ˣ) within 2 ulp."""
    size = vector.magnitude(x)
    scaled = scaled_exp(-size)
    e = scaled * UNSCALE
    y = vector.select(x < ZERO, scaled, SCALE) / (e + ONE)
    tail = vector.fma(-e, y, scaled)  # where e is small, it is itself nearly all of the result
    return vector.select(x < np.float32(-1.4), tail, y) * UNSCALE


@native
def tanh_parts(x):
    """Where |x| is small: a mask; there tanh x, elsewhere 2³² (1 - tanh |x|)."""
    size, square = vector.magnitude(x), x * x
    scaled = scaled_exp(size * -TWO)
    near = vector.fma(x * square, vector.polynomial(square, _TANH), x)
    far = (scaled + scaled) / vector.fma(scaled, UNSCALE, ONE)
    small = size < _SMALL_TANH
    return small, vector.select(small, near, far)


@native
def tanh(x):
    """The hyperbolic tangent within 2 ulp: an odd polynomial near 0, elsewhere 1 - 2e / (1 + e) with e = e^(-2|x|)."""
    small, part = tanh_parts(x)
    return vector.with_sign(vector.select(small, part, vector.fma(part, -UNSCALE, ONE)), x)


@native
def normal_tail(size):
    """2³² Φ(-t), the tail of the normal distribution, and 2³² e^(-t²/2), for t from 0."""
    half = size * -HALF
    scaled = scaled_exp_of_product(half, size, half * size)
    t = vector.at_most(size, MILLS_END)
    reciprocal = ONE / (t + _MILLS_CENTRE)
    mills = vector.polynomial((t - _MILLS_CENTRE) * reciprocal, _MILLS) * reciprocal
    return scaled * mills, scaled


@native
def normal_cdf(x):
    """Φ(x) = erfc(-x / √2) / 2, the normal distribution's, within 5 ulp, also in its tail."""
    tail, _ = normal_tail(vector.magnitude(x))
    return vector.select(x > ZERO, vector.fma(tail, -UNSCALE, ONE), tail * UNSCALE)
