"""Max and average pooling, tap by tap."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.reference.window import Window

Array = NDArray[Any]


def max_pool2d(x: Array, window: Window) -> Array:
    """The maximum of each window of x (N, C, H, W); padding never wins."""
    taps = (pixels for _, _, pixels in window.taps(window.pad(x, -np.inf)))
    y = next(taps).copy()
    for pixels in taps:
        np.maximum(y, pixels, out=y)
    return y


def avg_pool2d(x: Array, window: Window) -> Array:
    """The mean of each window of x (N, C, H, W), padding counted as zeros."""
    taps = (pixels for _, _, pixels in window.taps(window.pad(x)))
    y = next(taps).copy()
    for pixels in taps:
        y += pixels
    y /= prod(window.kernel_size)
    return y
