"""Positions of maxima, between the form pooling keeps (place in the window) and PyTorch's (place in the image)."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import (
    BUFFER,
    COUNT,
    TARGETS,
    argument,
    integers,
    kernel,
    octets,
    pointer,
    record,
    shorts,
)
from fastconv.layout import LANES
from fastconv.simd.native import native

ARGUMENTS = record(
    ("argmax", BUFFER), ("batch", BUFFER),  # int64 (N, C, out_height, out_width) in the batch's targets
    ("wide", np.int64),
    ("channels", np.int64), ("width", np.int64),  # of x
    ("out_height", np.int64), ("out_width", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
    ("kernel_width", np.int64), ("stride_height", np.int64), ("stride_width", np.int64),
    ("top", np.int64), ("left", np.int64),
)


@native
def _unpack(op, places, group):
    batch = integers(op.batch, 0)
    positions = pointer(np.int64, batch[TARGETS])
    for lane in range(min(LANES, batch[COUNT] - group * LANES)):
        target = (group * LANES + lane) * op.channels * op.out_height * op.out_width
        for c in range(op.channels):
            for oh in range(op.out_height):
                for ow in range(op.out_width):
                    place = np.int64(places[(c * op.y_plane + oh * op.y_row + ow) * LANES + lane])
                    h = oh * op.stride_height - op.top + place // op.kernel_width
                    w = ow * op.stride_width - op.left + place % op.kernel_width
                    positions[target] = h * op.width + w
                    target += 1


@native
def _pack(op, places, group):
    batch = integers(op.batch, 0)
    positions = pointer(np.int64, batch[TARGETS])
    for lane in range(min(LANES, batch[COUNT] - group * LANES)):
        source = (group * LANES + lane) * op.channels * op.out_height * op.out_width
        for c in range(op.channels):
            for oh in range(op.out_height):
                for ow in range(op.out_width):
                    kh = positions[source] // op.width - oh * op.stride_height + op.top
                    kw = positions[source] % op.width - ow * op.stride_width + op.left
                    places[(c * op.y_plane + oh * op.y_row + ow) * LANES + lane] = kh * op.kernel_width + kw
                    source += 1


@kernel(ARGUMENTS)
def unpack_argmax(records, group):
    """positions = h * width + w of every maximum of the group's images."""
    op = argument(records)
    if op.wide:
        _unpack(op, shorts(op.argmax, group), group)
    else:
        _unpack(op, octets(op.argmax, group), group)


@kernel(ARGUMENTS)
def pack_argmax(records, group):
    """The places in their windows of all positions of the group's images."""
    op = argument(records)
    if op.wide:
        _pack(op, shorts(op.argmax, group), group)
    else:
        _pack(op, octets(op.argmax, group), group)
