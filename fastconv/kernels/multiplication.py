"""Products of two values, the second of which may have one value for each channel of the first."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, floats, kernel, record
from fastconv.layout import LANES
from fastconv.simd import vector

#: A `step` of 1 goes through the pixels of y, as through those of x; 0 stays at the one pixel of a channel.
ARGUMENTS = record(("x", BUFFER), ("y", BUFFER), ("z", BUFFER), ("step", np.int64),
                   ("channels", np.int64), ("pixels", np.int64), ("plane", np.int64), ("y_plane", np.int64))


@kernel(ARGUMENTS)
def product(records, group):
    """z = x · y; z, of the shape of x, may be one of them."""
    op = argument(records)
    x, y, z = floats(op.x, group), floats(op.y, group), floats(op.z, group)
    for channel in range(op.channels):
        start, other = channel * op.plane * LANES, channel * op.y_plane * LANES
        if op.step:
            for i in range(0, op.pixels * LANES, LANES):
                vector.store(z, start + i, vector.load(x, start + i) * vector.load(y, other + i))
        else:
            factor = vector.load(y, other)
            for i in range(start, start + op.pixels * LANES, LANES):
                vector.store(z, i, vector.load(x, i) * factor)


@kernel(ARGUMENTS)
def channel_products(records, group):
    """z = Σ x · y over the pixels of each channel, both of one shape."""
    op = argument(records)
    x, y, z = floats(op.x, group), floats(op.y, group), floats(op.z, group)
    for channel in range(op.channels):
        start, end = channel * op.plane * LANES, (channel * op.plane + op.pixels) * LANES
        even, odd = vector.splat(np.float32(0.0)), vector.splat(np.float32(0.0))  # so that no sum waits for the last
        for i in range(start, end - LANES, 2 * LANES):
            even = vector.fma(vector.load(x, i), vector.load(y, i), even)
            odd = vector.fma(vector.load(x, i + LANES), vector.load(y, i + LANES), odd)
        if op.pixels % 2:
            even = vector.fma(vector.load(x, end - LANES), vector.load(y, end - LANES), even)
        vector.store(z, channel * LANES, even + odd)
