"""Pooling of one image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Fixed
from fastconv.engine.operators.planes.elementwise import vectors_of
from fastconv.engine.operators.planes.parts import behind, by_channel
from fastconv.engine.operators.planes.place import new
from fastconv.engine.operators.planes.windows import Seen, seen_pixels, windows
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.kernels import multiplication
from fastconv.kernels import planes as kernels
from fastconv.kernels.abi import Kernel
from fastconv.layout import Packed
from fastconv.simd.block import ONE_VECTOR

#: What a pixel vector of a window costs beside a convolution's multiply-add of one, 0.2 ns.
POOL_COST = 5


def max_pool2d(builder: Builder, x: Tensor, window: Window) -> Tensor:
    """The largest pixel of each window."""
    return _pool(builder, kernels.max_pool, windows(builder, x, window, x.place.channels))


def avg_pool2d(builder: Builder, x: Tensor, window: Window, count_include_pad: bool = True) -> Tensor:
    """The mean of each window; padding counts as zeros, or where `count_include_pad` is False not at all."""
    most = window.kernel[0] * window.kernel[1]
    if window.kernel == x.place.size and not any(window.padding):
        return plane_sums(builder, x, 1 / most)
    counts = _counts(window, x.place.size, count_include_pad)
    seen = windows(builder, x, window, x.place.channels)
    if (counts == most).all():
        return _pool(builder, kernels.mean_pool, seen, 1 / most)
    y = _pool(builder, kernels.mean_pool, seen)
    shares = np.zeros(y.place.plane + y.place.row, np.float32)
    shares[:counts.shape[0] * y.place.row].reshape(-1, y.place.row)[:, :counts.shape[1]] = 1 / counts
    builder.call(multiplication.product, x=y.buffer, y=Fixed(shares), z=y.buffer, step=1, y_plane=0,
                 **vectors_of(y.place))
    return y


def _counts(window: Window, size: tuple[int, int], count_include_pad: bool) -> np.ndarray:
    """(H_out, W_out): the pixels that a mean is taken of, at least 1."""
    outputs = window.output_size(size)
    if count_include_pad:
        top, bottom, left, right = window.padding
        size, window = (size[0] + top + bottom, size[1] + left + right), replace(window, padding=(0, 0, 0, 0))
    rows, cols = (seen_pixels(window, axis, size[axis], outputs[axis]).sum(axis=0) for axis in (0, 1))
    counts: np.ndarray = np.maximum(np.multiply.outer(rows, cols), 1)
    return counts


def plane_sums(builder: Builder, x: Tensor, share: float) -> Tensor:
    """The sum of each channel's pixels times `share`."""
    pixels = windows(builder, x, Window((1, 1)), x.place.channels)
    return _pool(builder, kernels.plane_mean, replace(pixels, place=Packed.alone(x.place.channels, 1, 1)), share)


def _pool(builder: Builder, kernel: Kernel, seen: Seen, share: float = 1.0) -> Tensor:
    y = new(seen.place)
    builder.work += POOL_COST * seen.place.channels * seen.masks.size
    by_channel(builder, kernel, ONE_VECTOR, [seen.x], y, lambda first, count: {
        "y": behind(y.buffer, first * y.place.plane), "channels": count, "share": share, **seen.fields(first)})
    return y
