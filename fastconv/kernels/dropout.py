"""Dropout: values are multiplied with 0 or 1 / (1 - p), by random bits that depend on nothing but where a value is.

    y_i = x_i m_i / (1 - p),  m_i = 0 with probability p, else 1      (Srivastava et al. 2014, section 4, inverted)

The gradient is the same product, so nothing is kept for it: its factors are drawn again.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, SEED, STEP, argument, floats, integers, kernel, record
from fastconv.layout import LANES
from fastconv.simd import philox, vector
from fastconv.simd.native import native

ZERO = np.float32(0.0)

#: Values that one draw has bits for.
DRAWN = 4

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),  # or, backward: dy, dx
    ("batch", BUFFER), ("stream", np.int64),
    ("threshold", np.int64), ("scale", np.float32),  # bits from the threshold on keep a value, which is scaled
    ("channels", np.int64), ("pixels", np.int64), ("plane", np.int64),
)


@native
def _factor(op, bits):
    return vector.select(philox.at_least(bits, op.threshold), op.scale, ZERO)


@native
def _drop(op, x, y, pixel, channel, bits):
    """One pixel of a channel; others are not its draw's business."""
    if 0 <= pixel < op.pixels:
        i = (channel * op.plane + pixel) * LANES
        vector.store(y, i, vector.load(x, i) * _factor(op, bits))


@kernel(ARGUMENTS)
def dropout(records, group):
    """y = x with each value kept or dropped; y may be x. A draw is for four values that follow each other in NCHW."""
    op = argument(records)
    x, y, batch = floats(op.x, group), floats(op.y, group), integers(op.batch, 0)
    for channel in range(op.channels):
        first = channel * op.pixels
        for place in range(first // DRAWN, (first + op.pixels + DRAWN - 1) // DRAWN):
            a, b, c, d = philox.draw(place, group, op.stream, batch[STEP], batch[SEED])
            pixel = place * DRAWN - first
            _drop(op, x, y, pixel, channel, a)
            _drop(op, x, y, pixel + 1, channel, b)
            _drop(op, x, y, pixel + 2, channel, c)
            _drop(op, x, y, pixel + 3, channel, d)


@native
def _drop_plane(op, x, y, channel, bits):
    if channel < op.channels:
        factor, start = _factor(op, bits), channel * op.plane * LANES
        for i in range(start, start + op.pixels * LANES, LANES):
            vector.store(y, i, vector.load(x, i) * factor)


@kernel(ARGUMENTS)
def dropout_channels(records, group):
    """y = x with each channel of an image kept or dropped; y may be x. A draw is for four channels."""
    op = argument(records)
    x, y, batch = floats(op.x, group), floats(op.y, group), integers(op.batch, 0)
    for place in range((op.channels + DRAWN - 1) // DRAWN):
        a, b, c, d = philox.draw(place, group, op.stream, batch[STEP], batch[SEED])
        _drop_plane(op, x, y, place * DRAWN, a)
        _drop_plane(op, x, y, place * DRAWN + 1, b)
        _drop_plane(op, x, y, place * DRAWN + 2, c)
        _drop_plane(op, x, y, place * DRAWN + 3, d)
