"""How values lie in memory: the images of a batch side by side, so that NumPy's inner loops are long and contiguous.

Shapes are (N, C, H, W) everywhere; only the order in memory is C, H, W, N, which NumPy's elementwise functions keep.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def images_inner(x: Array) -> Array:
    """x (N, ...) with its images side by side in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)


def full(shape: tuple[int, ...], value: float, dtype: Any) -> Array:
    """An array of `shape` (N, ...) with one value everywhere."""
    return np.moveaxis(np.full((*shape[1:], shape[0]), value, dtype), -1, 0)


def padded(x: Array, padding: tuple[int, int, int, int], value: float = 0) -> Array:
    """x (N, C, H, W) with `value` around each image: (top, bottom, left, right) of it."""
    if not any(padding):
        return x
    n, channels, height, width = x.shape
    top, bottom, left, right = padding
    y = full((n, channels, top + height + bottom, left + width + right), value, x.dtype)
    y[:, :, top:top + height, left:left + width] = x
    return y
