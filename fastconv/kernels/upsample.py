"""Every pixel repeated in a rectangle of its own, and the gradient: the sums over those rectangles."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, floats, kernel, record
from fastconv.layout import LANES
from fastconv.simd import vector

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),  # or, backward: dx, dy
    ("channels", np.int64), ("height", np.int64), ("width", np.int64),  # of x
    ("scale_height", np.int64), ("scale_width", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
)


@kernel(ARGUMENTS)
def upsample(records, group):
    """y[c, h, w] = x[c, h // scale_height, w // scale_width]"""
    op = argument(records)
    x, y = floats(op.x, group), floats(op.y, group)
    for c in range(op.channels):
        for h in range(op.height):
            source = (c * op.x_plane + h * op.x_row) * LANES
            first = (c * op.y_plane + h * op.scale_height * op.y_row) * LANES
            for row in range(op.scale_height):
                target = first + row * op.y_row * LANES
                for w in range(op.width):
                    pixel = vector.load(x, source + w * LANES)
                    for _ in range(op.scale_width):
                        vector.store(y, target, pixel)
                        target += LANES


@kernel(ARGUMENTS)
def upsample_grad(records, group):
    """dx: the sum of dy over the pixels that are copies of one."""
    op = argument(records)
    dx, dy = floats(op.x, group), floats(op.y, group)
    for c in range(op.channels):
        for h in range(op.height):
            for w in range(op.width):
                corner = c * op.y_plane + h * op.scale_height * op.y_row + w * op.scale_width
                total = vector.splat(np.float32(0.0))
                for row in range(op.scale_height):
                    for col in range(op.scale_width):
                        total += vector.load(dy, (corner + row * op.y_row + col) * LANES)
                vector.store(dx, (c * op.x_plane + h * op.x_row + w) * LANES, total)
