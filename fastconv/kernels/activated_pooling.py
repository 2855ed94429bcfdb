"""Max pooling of activations that are computed on the way: what is not a maximum is never stored.

For the gradient it keeps the place of each maximum in its window, and the slope there or, for a formula that learns,
the x. All that follows back then concerns the maxima alone, a quarter of the pixels for windows of 2 x 2.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic

from fastconv.kernels import formulas
from fastconv.kernels.abi import BUFFER, argument, block_of, floats, kernel, octets, record, shorts
from fastconv.kernels.activation import COEFFICIENTS, coefficients, formula_of
from fastconv.kernels.pooling import WINDOWS, corner_of, inside, whole_windows
from fastconv.layout import LANES
from fastconv.simd import vector
from fastconv.simd.math import ONE
from fastconv.simd.native import native

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),
    ("kept", BUFFER), ("argmax", BUFFER),  # of each maximum: its x or the slope there, and its place in its window
    *WINDOWS,
    *COEFFICIENTS,
)


@native
def _evaluated(formula, keeps_slope, x, a, b, c):
    """The activation of x, and the slope there or x itself."""
    value, slope, _, _, _ = formula(x, a, b, c)
    return value, (slope if keeps_slope else x)


@native
def _maximum(formula, keeps_slope, a, b, c, x, argmax, corner, row, kernel_width,
             kh_start, kh_end, kw_start, kw_end):
    """The largest activation of a window, what is kept of it, and its place; the first wins, and NaN over all."""
    first = vector.load(x, (corner + kh_start * row + kw_start) * LANES)
    best, kept = _evaluated(formula, keeps_slope, first, a, b, c)
    place = vector.splat_integer(argmax, kh_start * kernel_width + kw_start)
    for kh in range(kh_start, kh_end):
        for kw in range(kw_start, kw_end):
            pixel = vector.load(x, (corner + kh * row + kw) * LANES)
            value, keep = _evaluated(formula, keeps_slope, pixel, a, b, c)
            wins = (value > best) | vector.is_nan(value)
            best, kept = vector.select(wins, value, best), vector.select(wins, keep, kept)
            place = vector.select(wins, vector.splat_integer(argmax, kh * kernel_width + kw), place)
    return best, kept, place


@intrinsic
def _valley_of(_typing, records):
    """The function that says whether the formula the kernel is compiled for is a valley."""
    function = types.Dispatcher(formulas.valley(records.formula))

    def codegen(context, _builder, _signature, _args):
        return context.get_dummy_value()

    return function(records), codegen


@native
def _is_valley(valley, op, channel):
    """Whether the formula is one in this channel; a c with lanes is the σ of something, and positive."""
    a, b = floats(op.a, 0)[channel * op.a_step], floats(op.b, 0)[channel * op.b_step]
    return valley(a, b, ONE if op.c_has_lanes else floats(op.c, 0)[channel * op.c_step])


@native
def _maximum_of_valley(formula, keeps_slope, a, b, c, x, argmax, corner, row, kernel_width,
                       kh_start, kh_end, kw_start, kw_end):
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
    value, kept = _evaluated(formula, keeps_slope, greatest, a, b, c)
    of_least, kept_of_least = _evaluated(formula, keeps_slope, least, a, b, c)
    wins = (of_least > value) | vector.is_nan(of_least)
    return (vector.select(wins, of_least, value), vector.select(wins, kept_of_least, kept),
            vector.select(wins, at_least, at_greatest))


@native
def _keep(window, y, kept, argmax, target):
    """Stores what is known of a window: its largest activation, what is kept of it, and its place."""
    best, keep, place = window
    vector.store(y, target, best)
    vector.store(kept, target, keep)
    vector.store(argmax, target, place)


@native
def _activate_max_pool2d(formula, valley, keeps_slope, window, op, group, argmax):
    """window: the kernel size where it is a compile-time constant, so that whole windows need no loops; else 1 x 1.

    The loops over those have no branches, so that the formula's constants stay in registers.
    """
    x, y, kept = floats(op.x, group), floats(op.y, group), floats(op.kept, group)
    rows, cols = whole_windows(window, op)
    for channel in range(op.channels):
        a, b, c = coefficients(op, group, channel)
        is_valley = _is_valley(valley, op, channel)
        for oh in range(op.out_height):
            corner, target = corner_of(op, channel, oh, 0), (channel * op.y_plane + oh * op.y_row) * LANES
            first, end = cols if rows[0] <= oh < rows[1] else (0, 0)
            if is_valley:
                for ow in range(first, end):
                    _keep(_maximum_of_valley(formula, keeps_slope, a, b, c, x, argmax, corner + ow * op.stride_width,
                                             op.x_row, window.cols, 0, window.rows, 0, window.cols),
                          y, kept, argmax, target + ow * LANES)
            else:
                for ow in range(first, end):
                    _keep(_maximum(formula, keeps_slope, a, b, c, x, argmax, corner + ow * op.stride_width,
                                   op.x_row, window.cols, 0, window.rows, 0, window.cols),
                          y, kept, argmax, target + ow * LANES)
            kh_start, kh_end = inside(oh, op.stride_height, op.top, op.kernel_height, op.height)
            for other in range(op.out_width - (end - first)):
                ow = other if other < first else other + end - first
                kw_start, kw_end = inside(ow, op.stride_width, op.left, op.kernel_width, op.width)
                _keep(_maximum(formula, keeps_slope, a, b, c, x, argmax, corner + ow * op.stride_width, op.x_row,
                               op.kernel_width, kh_start, kh_end, kw_start, kw_end),
                      y, kept, argmax, target + ow * LANES)


@kernel(ARGUMENTS)
def activate_max_pool2d(records, group):
    """The largest f(x) of each window, and its x."""
    op, formula, valley = argument(records), formula_of(records), _valley_of(records)
    _activate_max_pool2d(formula, valley, False, block_of(records), op, group, octets(op.argmax, group))


@kernel(ARGUMENTS)
def activate_max_pool2d_wide(records, group):
    """As `activate_max_pool2d`, with places in uint16."""
    op, formula, valley = argument(records), formula_of(records), _valley_of(records)
    _activate_max_pool2d(formula, valley, False, block_of(records), op, group, shorts(op.argmax, group))


@kernel(ARGUMENTS)
def activate_max_pool2d_slope(records, group):
    """The largest f(x) of each window, and f' there."""
    op, formula, valley = argument(records), formula_of(records), _valley_of(records)
    _activate_max_pool2d(formula, valley, True, block_of(records), op, group, octets(op.argmax, group))


@kernel(ARGUMENTS)
def activate_max_pool2d_slope_wide(records, group):
    """As `activate_max_pool2d_slope`, with places in uint16."""
    op, formula, valley = argument(records), formula_of(records), _valley_of(records)
    _activate_max_pool2d(formula, valley, True, block_of(records), op, group, shorts(op.argmax, group))
