"""Between images and columns: the pixels that each tap of a window sees, for a block of output pixels.

    columns[c, kh, kw, p - start] = x[c, h·stride + kh·dilation - top, w·stride + kw·dilation - left]

where p = h · out_width + w counts the output pixels, and pixels outside the image are zero.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fastconv.kernels.abi import BUFFER, NATIVE, argument, floats, kernel, record
from fastconv.layout import LANES
from fastconv.simd import vector

ARGUMENTS = record(
    ("x", BUFFER), ("columns", BUFFER),
    ("start", np.int64), ("count", np.int64),  # the block of output pixels
    ("channels", np.int64), ("height", np.int64), ("width", np.int64), ("out_width", np.int64),
    ("kernel_height", np.int64), ("kernel_width", np.int64),
    ("stride_height", np.int64), ("stride_width", np.int64),
    ("dilation_height", np.int64), ("dilation_width", np.int64),
    ("top", np.int64), ("left", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("columns_plane", np.int64),
)


@njit(**NATIVE)
def _inside(start, step, count, size):
    """The positions [first, end) out of `count` at which start + position * step lies in an axis of `size`."""
    first = max(0, (step - 1 - start) // step)
    return min(first, count), max(min(first, count), min(count, (size - 1 - start) // step + 1))


@njit(**NATIVE)
def _segment(op, p, kh, kw):
    """The pixels of the block from start + p on that lie in one row of the output, and what one tap sees there.

    Their number, the first one's source in a plane of x, and the pixels [first, end) whose source is inside the image.
    """
    oh, ow = divmod(op.start + p, op.out_width)
    length = min(op.out_width - ow, op.count - p)
    h = oh * op.stride_height + kh * op.dilation_height - op.top
    w = ow * op.stride_width + kw * op.dilation_width - op.left
    first, end = _inside(w, op.stride_width, length, op.width) if 0 <= h < op.height else (length, length)
    return length, h * op.x_row + w, first, end


@njit(**NATIVE)
def _gather(op, x, columns, x_channel, place, kh, kw):
    """The column of one tap of one channel."""
    zero, step, p = vector.splat(np.float32(0.0)), op.stride_width * LANES, 0
    while p < op.count:
        length, source, first, end = _segment(op, p, kh, kw)
        source, target = (x_channel + source) * LANES, (place + p) * LANES
        for i in range(first):
            vector.store(columns, target + i * LANES, zero)
        for i in range(first, end):
            vector.store(columns, target + i * LANES, vector.load(x, source + i * step))
        for i in range(end, length):
            vector.store(columns, target + i * LANES, zero)
        p += length


@njit(**NATIVE)
def _scatter(op, x, columns, x_channel, place, kh, kw):
    """Adds the column of one tap of one channel to the pixels it came from."""
    step, p = op.stride_width * LANES, 0
    while p < op.count:
        length, target, first, end = _segment(op, p, kh, kw)
        source, target = (place + p) * LANES, (x_channel + target) * LANES
        for i in range(first, end):
            pixel = target + i * step
            vector.store(x, pixel, vector.load(x, pixel) + vector.load(columns, source + i * LANES))
        p += length


@kernel(ARGUMENTS)
def im2col(records, group):
    """The columns of one block of output pixels."""
    op = argument(records, 0)
    x, columns = floats(op.x, group), floats(op.columns, group)
    place = 0
    for c in range(op.channels):
        for kh in range(op.kernel_height):
            for kw in range(op.kernel_width):
                _gather(op, x, columns, c * op.x_plane, place, kh, kw)
                place += op.columns_plane


@kernel(ARGUMENTS)
def col2im(records, group):
    """Adds the columns of one block to the pixels they came from; the first block clears x before."""
    op = argument(records, 0)
    x, columns = floats(op.x, group), floats(op.columns, group)
    if op.start == 0:
        for i in range(0, op.channels * op.x_plane * LANES, LANES):
            vector.store(x, i, vector.splat(np.float32(0.0)))
    place = 0
    for c in range(op.channels):
        for kh in range(op.kernel_height):
            for kw in range(op.kernel_width):
                _scatter(op, x, columns, c * op.x_plane, place, kh, kw)
                place += op.columns_plane
