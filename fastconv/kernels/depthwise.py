"""Depthwise convolution: each channel has a window of its own.

    y[c, h, w] = max(lower, bias[c] + Σ_(kh, kw) weight[c, kh, kw] x[c, h·stride + kh·dilation, w·stride + kw·dilation])

Nothing but loads limits it: a pixel takes as many loads as multiply-adds. The weights of a channel stay in registers,
and so do the sums of its gradient; the size of the window is a compile-time constant. Where there is padding, a channel
is copied between zeros first, so that all pixels see the whole window.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, kernel, offset, record
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd import vector
from fastconv.simd.native import native

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),  # the correlated and its result; for the weight's gradient also that of the result
    ("weight", BUFFER), ("bias", BUFFER),
    ("padded", BUFFER),  # scratch memory for one channel between zeros, unless padded_row is 0
    ("padded_row", np.int64), ("padded_origin", np.int64),
    ("channels", np.int64), ("height", np.int64), ("width", np.int64),  # of x, as far as windows reach
    ("x_row", np.int64), ("x_plane", np.int64),
    ("out_height", np.int64), ("out_width", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
    ("stride_height", np.int64), ("stride_width", np.int64),
    ("dilation_height", np.int64), ("dilation_width", np.int64),
    ("taps", np.int64), ("kernel_width", np.int64),  # of the weight; the tile may have only some of its rows
    ("kernel_row", np.int64),  # the first of them
    ("flipped", np.int64),  # the last weight comes first
    ("lower", np.float32),
)


@native
def _channel(op, x, padded, c):
    """One channel of x, or its copy between zeros, and the pixels from one of its rows to the next."""
    plane = offset(x, c * op.x_plane * LANES)
    if op.padded_row == 0:
        return plane, op.x_row
    for h in range(op.height):
        source, target = h * op.x_row * LANES, (op.padded_origin + h * op.padded_row) * LANES
        for w in range(0, op.width * LANES, LANES):
            vector.store(padded, target + w, vector.load(plane, source + w))
    return padded, op.padded_row


@native
def _correlate(weights, op, plane, row, y, start, lower, col_step):
    """y of one channel."""
    row_step, step = op.dilation_height * row * LANES, op.stride_width * LANES
    for h in range(op.out_height):
        source, target = h * op.stride_height * row * LANES, h * op.y_row * LANES
        for _ in range(op.out_width):
            value = tiles.dot(weights, plane, source, row_step, col_step, start)
            vector.store(y, target, vector.select(lower > value, lower, value))
            source += step
            target += LANES


@kernel(ARGUMENTS)
def depthwise(records, group):
    """y of one group of images; see the module's formula."""
    op, window = argument(records), block_of(records)
    x, y, padded = floats(op.x, group), floats(op.y, group), floats(op.padded, group)
    weight, bias, lower = floats(op.weight, 0), floats(op.bias, 0), vector.splat(op.lower)
    for c in range(op.channels):
        plane, row = _channel(op, x, padded, c)
        if op.flipped:
            weights = tiles.splats(window, weight, (c + 1) * op.taps - 1, -op.kernel_width, -1)
        else:
            weights = tiles.splats(window, weight, c * op.taps, op.kernel_width, 1)
        start, target = vector.splat(bias[c]), offset(y, c * op.y_plane * LANES)
        if op.dilation_width == 1:  # the steps between columns become part of the instructions
            _correlate(weights, op, plane, row, target, start, lower, LANES)
        else:
            _correlate(weights, op, plane, row, target, start, lower, op.dilation_width * LANES)


@native
def _grad(window, op, plane, row, y, col_step):
    """The sums of one channel."""
    row_step, step, tile = op.dilation_height * row * LANES, op.stride_width * LANES, tiles.zeros(window)
    for h in range(op.out_height):
        source = (h * op.stride_height + op.kernel_row * op.dilation_height) * row * LANES
        target = h * op.y_row * LANES
        for _ in range(op.out_width):
            tile = tiles.fma_vector_window(tile, vector.load(y, target), plane, source, row_step, col_step)
            source += step
            target += LANES
    return tile


@kernel(ARGUMENTS)
def depthwise_grad(records, group):
    """weight[c, kernel_row + r, k] = the sum of y times what the tap sees, over the pixels of one group of images."""
    op, window = argument(records), block_of(records)
    x, y, padded, dw = floats(op.x, group), floats(op.y, group), floats(op.padded, group), floats(op.weight, group)
    for c in range(op.channels):
        plane, row = _channel(op, x, padded, c)
        dy = offset(y, c * op.y_plane * LANES)
        if op.dilation_width == 1:
            tile = _grad(window, op, plane, row, dy, LANES)
        else:
            tile = _grad(window, op, plane, row, dy, op.dilation_width * LANES)
        tiles.add_lane_sums(dw, c * op.taps + op.kernel_row * op.kernel_width, op.kernel_width, tile, False)
