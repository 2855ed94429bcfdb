"""Convolution as matrix products, which NumPy leaves to BLAS (Chellapilla et al. 2006, section 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.reference.window import Window

Array = NDArray[Any]

#: Channels of a group from which on a matrix product is faster than adding tap by tap.
LEAST_CHANNELS = 2

#: Bytes of columns that are made at once: they stay in a core's cache between their making and their use.
COLUMN_BYTES = 1 << 20


def conv2d(x: Array, weight: Array, bias: Array | None, window: Window, groups: int) -> Array:
    """y (N, C_out, H_out, W_out) of x (N, C, H, W), weight (C_out, C / groups, kh, kw) and bias (C_out,)."""
    size = window.output_size(x)
    y = np.empty((len(x), len(weight), *size), x.dtype)
    if weight.shape[1] < LEAST_CHANNELS and groups == x.shape[1] == len(weight):
        _tap_by_tap(x, weight, window, y)
    else:
        _by_columns(x, weight, window, groups, y)
    if bias is not None:
        y += bias[:, None, None]
    return y


def _tap_by_tap(x: Array, weight: Array, window: Window, y: Array) -> None:
    """A depthwise convolution."""
    y[...] = 0
    for kh, kw, pixels in window.taps(window.pad(x)):
        y += pixels * weight[:, 0, kh, kw, None, None]


def _by_columns(x: Array, weight: Array, window: Window, groups: int, y: Array) -> None:
    """y = weight · columns, where a column is what one output sees."""
    n, channels = x.shape[:2]
    outputs, pixels = len(weight) // groups, y.shape[2] * y.shape[3]
    rows = weight.reshape(groups, outputs, -1)
    made = y.reshape(n, groups, outputs, pixels)
    if weight.shape[2:] == (1, 1) and window.stride == (1, 1) and not any(window.padding):
        np.matmul(rows, x.reshape(n, groups, channels // groups, pixels), out=made)
        return
    padded = window.pad(x)
    chunk = max(1, COLUMN_BYTES // (4 * channels * weight[0, 0].size * pixels))
    columns = np.empty((min(chunk, n), channels, *weight.shape[2:], *y.shape[2:]), x.dtype)
    for start in range(0, n, chunk):
        part = padded[start:start + chunk]
        here = columns[: len(part)]
        for kh, kw, seen in window.taps(part):
            here[:, :, kh, kw] = seen
        np.matmul(rows, here.reshape(len(part), groups, -1, pixels), out=made[start:start + chunk])
