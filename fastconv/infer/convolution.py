"""Convolution as one matrix product, which NumPy leaves to BLAS (Chellapilla et al. 2006, section 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.infer.layout import full, padded
from fastconv.reference.window import Window

Array = NDArray[Any]


def conv2d(x: Array, weight: Array, bias: Array | None, window: Window, groups: int) -> Array:
    """y (N, C_out, H_out, W_out) of x (N, C, H, W), weight (C_out, C / groups, kh, kw) and bias (C_out,)."""
    x = padded(x, window.padding)
    depthwise = groups == x.shape[1] == len(weight)
    y = _depthwise(x, weight, window) if depthwise else _by_columns(x, weight, window, groups)
    if bias is not None:
        y += bias[:, None, None]
    return y


def _depthwise(x: Array, weight: Array, window: Window) -> Array:
    """The sum over taps, channel by channel; a matrix product of one row would be no faster than that."""
    taps = window.taps(x)
    kh, kw, pixels = next(taps)
    y = pixels * weight[:, 0, kh, kw, None, None]
    product = np.empty_like(y)
    for kh, kw, pixels in taps:
        y += np.multiply(pixels, weight[:, 0, kh, kw, None, None], out=product)
    return y


def _by_columns(x: Array, weight: Array, window: Window, groups: int) -> Array:
    """weight · columns, where a column is what one output of one image sees."""
    n, channels = x.shape[:2]
    rows = weight.reshape(groups, len(weight) // groups, -1)
    taps = list(window.taps(x))
    height, width = taps[0][2].shape[2:]
    if len(taps) == 1:
        columns = np.ascontiguousarray(taps[0][2].transpose(1, 2, 3, 0))
    else:
        columns = np.empty((channels, *window.kernel_size, height, width, n), x.dtype)
        for kh, kw, pixels in taps:
            columns[:, kh, kw] = pixels.transpose(1, 2, 3, 0)
    y = full((n, len(weight), height, width), 0, x.dtype)
    made = y.transpose(1, 2, 3, 0).reshape(groups, len(weight) // groups, -1)
    np.matmul(rows, columns.reshape(groups, rows.shape[2], -1), out=made)
    return y
