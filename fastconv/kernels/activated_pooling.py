"""Max pooling of activations that are computed on the way: what is not a maximum is never stored.

For the gradient it keeps the place of each maximum in its window and the x there. All that follows back from the
maxima, slopes and sums for coefficients, then concerns only those, a quarter of the pixels for windows of 2 x 2.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from fastconv.kernels import formulas
from fastconv.kernels.abi import BUFFER, NATIVE, argument, block_of, floats, kernel, octets, record, shorts
from fastconv.kernels.activation import COEFFICIENTS, coefficients, formula_of
from fastconv.layout import LANES
from fastconv.simd import vector
from fastconv.simd.math import ONE

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),
    ("x_of_y", BUFFER), ("argmax", BUFFER),  # of each maximum: its x, and its place in its window
    ("channels", np.int64), ("height", np.int64), ("width", np.int64),  # of x
    ("out_height", np.int64), ("out_width", np.int64),
    ("kernel_height", np.int64), ("kernel_width", np.int64),
    ("stride_height", np.int64), ("stride_width", np.int64),
    ("top", np.int64), ("left", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
    *COEFFICIENTS,
)


@njit(**NATIVE)
def _maximum(formula, a, b, c, x, argmax, corner, row, kernel_width, kh_start, kh_end, kw_start, kw_end):
    """The largest activation of a window, its x and its place; the first one wins, and NaN over everything."""
    best = vector.splat(np.float32(-np.inf))
    first = vector.load(x, (corner + kh_start * row + kw_start) * LANES)
    place = vector.splat_integer(argmax, kh_start * kernel_width + kw_start)
    for kh in range(kh_start, kh_end):
        for kw in range(kw_start, kw_end):
            pixel = vector.load(x, (corner + kh * row + kw) * LANES)
            value, _, _, _, _ = formula(pixel, a, b, c)
            wins = (value > best) | vector.is_nan(value)
            best = vector.select(wins, value, best)
            first = vector.select(wins, pixel, first)
            place = vector.select(wins, vector.splat_integer(argmax, kh * kernel_width + kw), place)
    return best, first, place


@intrinsic
def _valley_of(_typing, records):
    """The function that says whether the formula the kernel is compiled for is a valley."""
    function = types.Dispatcher(formulas.valley(records.formula))

    def codegen(context, _builder, _signature, _args):
        return context.get_dummy_value()

    return function(records), codegen


@njit(**NATIVE)
def _is_valley(valley, op, channel):
    """Whether the formula is one in this channel; a c with lanes is the σ of something, and positive."""
    a, b = floats(op.a, 0)[channel * op.a_step], floats(op.b, 0)[channel * op.b_step]
    return valley(a, b, ONE if op.c_has_lanes else floats(op.c, 0)[channel * op.c_step])


@njit(**NATIVE)
def _maximum_of_valley(formula, a, b, c, x, argmax, corner, row, kernel_width, kh_start, kh_end, kw_start, kw_end):
    """As `_maximum`, from the least and the greatest x of the window alone."""
    least, greatest = vector.splat(np.float32(np.inf)), vector.splat(np.float32(-np.inf))
    at_least = vector.splat_integer(argmax, kh_start * kernel_width + kw_start)
    at_greatest = at_least
    for kh in range(kh_start, kh_end):
        for kw in range(kw_start, kw_end):
            pixel = vector.load(x, (corner + kh * row + kw) * LANES)
            place = vector.splat_integer(argmax, kh * kernel_width + kw)
            lower, higher = pixel < least, (pixel > greatest) | vector.is_nan(pixel)
            least, at_least = vector.select(lower, pixel, least), vector.select(lower, place, at_least)
            greatest, at_greatest = vector.select(higher, pixel, greatest), vector.select(higher, place, at_greatest)
    value, of_least = formula(greatest, a, b, c)[0], formula(least, a, b, c)[0]
    wins = of_least > value
    return (vector.select(wins, of_least, value), vector.select(wins, least, greatest),
            vector.select(wins, at_least, at_greatest))


@njit(**NATIVE)
def _best(formula, is_valley, a, b, c, x, argmax, corner, row, kernel_width, kh_start, kh_end, kw_start, kw_end):
    if is_valley:
        return _maximum_of_valley(formula, a, b, c, x, argmax, corner, row, kernel_width,
                                  kh_start, kh_end, kw_start, kw_end)
    return _maximum(formula, a, b, c, x, argmax, corner, row, kernel_width, kh_start, kh_end, kw_start, kw_end)


@njit(**NATIVE)
def _activate_max_pool2d(formula, valley, window, op, group, argmax):
    """window: the kernel size where it is a compile-time constant, so that whole windows need no loops; else 1 x 1."""
    x, y, x_of_y = floats(op.x, group), floats(op.y, group), floats(op.x_of_y, group)
    is_constant = op.kernel_height == window.rows and op.kernel_width == window.cols
    for channel in range(op.channels):
        a, b, c = coefficients(op, group, channel)
        is_valley = _is_valley(valley, op, channel)
        for oh in range(op.out_height):
            h = oh * op.stride_height - op.top
            kh_start, kh_end = max(0, -h), min(op.kernel_height, op.height - h)
            for ow in range(op.out_width):
                w = ow * op.stride_width - op.left
                kw_start, kw_end = max(0, -w), min(op.kernel_width, op.width - w)
                corner = channel * op.x_plane + h * op.x_row + w
                if is_constant and kh_end - kh_start == window.rows and kw_end - kw_start == window.cols:
                    best, at, place = _best(formula, is_valley, a, b, c, x, argmax, corner, op.x_row, window.cols,
                                            0, window.rows, 0, window.cols)
                else:
                    best, at, place = _best(formula, is_valley, a, b, c, x, argmax, corner, op.x_row, op.kernel_width,
                                            kh_start, kh_end, kw_start, kw_end)
                target = (channel * op.y_plane + oh * op.y_row + ow) * LANES
                vector.store(y, target, best)
                vector.store(x_of_y, target, at)
                vector.store(argmax, target, place)


@kernel(ARGUMENTS)
def activate_max_pool2d(records, group):
    """The largest f(x) of each window."""
    op, formula, valley = argument(records, 0), formula_of(records), _valley_of(records)
    _activate_max_pool2d(formula, valley, block_of(records), op, group, octets(op.argmax, group))


@kernel(ARGUMENTS)
def activate_max_pool2d_wide(records, group):
    """As `activate_max_pool2d`, with places in uint16."""
    op, formula, valley = argument(records, 0), formula_of(records), _valley_of(records)
    _activate_max_pool2d(formula, valley, block_of(records), op, group, shorts(op.argmax, group))
