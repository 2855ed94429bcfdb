"""Channels from one place to another."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, floats, kernel, record
from fastconv.layout import LANES
from fastconv.simd import vector


@kernel(record(("x", BUFFER), ("y", BUFFER), ("channels", np.int64), ("pixels", np.int64),
               ("x_step", np.int64), ("y_step", np.int64)))  # from one channel to the next, in pixels
def copy_channels(records, group):
    """Each of the channels of y = that of x."""
    op = argument(records)
    x, y = floats(op.x, group), floats(op.y, group)
    for channel in range(op.channels):
        source, target = channel * op.x_step * LANES, channel * op.y_step * LANES
        for i in range(0, op.pixels * LANES, LANES):
            vector.store(y, target + i, vector.load(x, source + i))


@kernel(record(("y", BUFFER), ("size", np.int64)))
def clear(records, group):
    """y = 0"""
    op = argument(records)
    y, zero = floats(op.y, group), vector.splat(np.float32(0.0))
    for i in range(0, op.size, LANES):
        vector.store(y, i, zero)
