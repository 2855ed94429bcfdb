"""The gradient of a mean over whole channels; `activation.pixel_means` computes the means."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, floats, kernel, record
from fastconv.layout import LANES
from fastconv.simd import vector


@kernel(record(("dx", BUFFER), ("dy", BUFFER), ("channels", np.int64), ("pixels", np.int64), ("plane", np.int64)))
def global_avg_pool2d_grad(records, group):
    """dx: to each pixel its share of the dy of its channel."""
    op = argument(records)
    dx, dy, share = floats(op.dx, group), floats(op.dy, group), np.float32(1.0) / np.float32(op.pixels)
    for channel in range(op.channels):
        start, each = channel * op.plane * LANES, vector.load(dy, channel * LANES) * share
        for i in range(start, start + op.pixels * LANES, LANES):
            vector.store(dx, i, each)
