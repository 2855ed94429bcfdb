"""Max and average pooling, tap by tap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.infer.layout import padded
from fastconv.reference.pooling import counts
from fastconv.reference.window import Window

Array = NDArray[Any]


def max_pool2d(x: Array, window: Window) -> Array:
    """The maximum of each window of x (N, C, H, W); padding never wins."""
    taps = _taps(x, window, -np.inf)
    y = next(taps).copy(order="K")
    for pixels in taps:
        np.maximum(y, pixels, out=y)
    return y


def avg_pool2d(x: Array, window: Window, count_include_pad: bool) -> Array:
    """The mean of each window of x (N, C, H, W), padding counted as zeros or not at all."""
    taps = _taps(x, window, 0)
    y = next(taps).copy(order="K")
    for pixels in taps:
        y += pixels
    y /= counts(window, x, count_include_pad)
    return y


def _taps(x: Array, window: Window, value: float) -> Iterator[Array]:
    """For each tap the pixels it meets, `value` around the image."""
    reaching = window.reaching(x)
    return (pixels for _, _, pixels in reaching.taps(padded(x, reaching.padding, value)))
