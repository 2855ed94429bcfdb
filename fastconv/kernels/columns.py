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
def _source(op, c, tap, p):
    """Where x has the pixel that output pixel start + p sees through a tap; -1 outside the image."""
    oh, ow = divmod(op.start + p, op.out_width)
    kh, kw = divmod(tap, op.kernel_width)
    h = oh * op.stride_height + kh * op.dilation_height - op.top
    w = ow * op.stride_width + kw * op.dilation_width - op.left
    inside = 0 <= h < op.height and 0 <= w < op.width
    return (c * op.x_plane + h * op.x_row + w) * LANES if inside else -1


@kernel(ARGUMENTS)
def im2col(records, group):
    """The columns of one block of output pixels."""
    op = argument(records, 0)
    x, columns = floats(op.x, group), floats(op.columns, group)
    taps = op.kernel_height * op.kernel_width
    zero = vector.splat(np.float32(0.0))
    for c in range(op.channels):
        for tap in range(taps):
            target = (c * taps + tap) * op.columns_plane * LANES
            for p in range(op.count):
                source = _source(op, c, tap, p)
                vector.store(columns, target + p * LANES, vector.load(x, source) if source >= 0 else zero)


@kernel(ARGUMENTS)
def col2im(records, group):
    """Adds the columns of one block to the pixels they came from; the first block finds x cleared."""
    op = argument(records, 0)
    x, columns = floats(op.x, group), floats(op.columns, group)
    taps = op.kernel_height * op.kernel_width
    if op.start == 0:
        for i in range(0, op.channels * op.x_plane * LANES, LANES):
            vector.store(x, i, vector.splat(np.float32(0.0)))
    for c in range(op.channels):
        for tap in range(taps):
            place = (c * taps + tap) * op.columns_plane * LANES
            for p in range(op.count):
                target = _source(op, c, tap, p)
                if target >= 0:
                    vector.store(x, target, vector.load(x, target) + vector.load(columns, place + p * LANES))
