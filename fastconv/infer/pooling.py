"""Max and average pooling, tap by tap."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.infer.layout import padded
from fastconv.reference.window import Window

Array = NDArray[Any]


def max_pool2d(x: Array, window: Window) -> Array:
    """The maximum of each window of x (N, C, H, W); padding never wins."""
    taps = _taps(padded(x, window.padding, -np.inf), window)
    y = next(taps).copy(order="K")
    for pixels in taps:
        np.maximum(y, pixels, out=y)
    return y


def avg_pool2d(x: Array, window: Window) -> Array:
    """The mean of each window of x (N, C, H, W), padding counted as zeros."""
    taps = _taps(padded(x, window.padding), window)
    y = next(taps).copy(order="K")
    for pixels in taps:
        y += pixels
    y /= prod(window.kernel_size)
    return y


def _taps(x: Array, window: Window) -> Iterator[Array]:
    return (pixels for _, _, pixels in window.taps(x))
