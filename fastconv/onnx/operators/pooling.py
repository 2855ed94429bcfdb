"""Poolings along any number of axes. Windows are products of intervals, so each axis can be pooled by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import functional
from fastconv.functional import Array
from fastconv.onnx.signature import only
from fastconv.onnx.windows import Windows, windows

#: A pooling of images by windows of a size, with a stride.
Pool = Callable[[Array, tuple[int, int], tuple[int, int]], Array]


def max_pool(x: Array, *, auto_pad: str = "NOTSET", ceil_mode: int = 0, dilations: Sequence[int] | None = None,
             kernel_shape: Sequence[int], pads: Sequence[int] | None = None, storage_order: int = 0,
             strides: Sequence[int] | None = None) -> Any:
    """The maxima of x (N, C, …), and for images their places in all of x, in order of rows or of columns."""
    axes = windows(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    only("storage_order", storage_order, 0, 1)
    padded = _padded(x, axes, -np.inf)
    if x.ndim != 4 or set(axes.dilations) != {1}:
        return _pooled(padded, axes, lambda image, kernel, stride: functional.max_pool2d(image, kernel, stride)[0])
    window = axes.along_two
    y, places = functional.max_pool2d(padded, window.kernel, window.stride)
    return y, _indices(places, x.shape, padded.shape[3], window.padding, storage_order)


def average_pool(x: Array, *, auto_pad: str = "NOTSET", ceil_mode: int = 0, count_include_pad: int = 0,
                 dilations: Sequence[int] | None = None, kernel_shape: Sequence[int],
                 pads: Sequence[int] | None = None, strides: Sequence[int] | None = None) -> Array:
    """The means of x (N, C, …): of each window the sum, by the number of values that count."""
    axes = windows(x.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    means = _pooled(_padded(x, axes, 0), axes, functional.avg_pool2d)
    size = [n + sum(around) for n, around in zip(x.shape[2:], axes.pads, strict=True)]
    inside = Windows(axes.kernel, axes.strides, axes.dilations, ((0, 0),) * len(size), axes.overhang)
    ones = (_padded(np.ones((1, 1, *size), np.float32), inside, 0) if count_include_pad
            else _padded(np.ones((1, 1, *x.shape[2:]), np.float32), axes, 0))
    return means if ones.all() else means / _pooled(ones, axes, functional.avg_pool2d)


def global_average_pool(x: Array) -> Array:
    """The mean of each channel of x (N, C, …)."""
    return _global(x, functional.avg_pool2d)


def global_max_pool(x: Array) -> Array:
    """The maximum of each channel of x (N, C, …)."""
    return _global(x, lambda image, kernel, stride: functional.max_pool2d(image, kernel, stride)[0])


def _global(x: Array, pool: Pool) -> Array:
    rows = x.reshape(*x.shape[:2], 1, -1)
    return pool(rows, (1, rows.shape[3]), (1, 1)).reshape(*x.shape[:2], *(1,) * (x.ndim - 2))


def _padded(x: Array, axes: Windows, value: float) -> Array:
    """x with `value` wherever windows reach beyond it."""
    around = [(before, after + over) for (before, after), over in zip(axes.pads, axes.overhang, strict=True)]
    return np.pad(x, [(0, 0), (0, 0), *around], constant_values=value) if np.any(around) else x


def _pooled(x: Array, axes: Windows, pool: Pool) -> Array:
    """What a pooling makes of x, which is padded already."""
    if x.ndim == 4 and set(axes.dilations) == {1}:
        return pool(x, axes.along_two.kernel, axes.along_two.stride)
    for axis, (size, stride, dilation) in enumerate(zip(axes.kernel, axes.strides, axes.dilations, strict=True), 2):
        last = np.moveaxis(x, axis, -1)
        rows = _pooled_rows(last.reshape(-1, 1, 1, last.shape[-1]), size, stride, dilation, pool)
        x = np.moveaxis(rows.reshape(*last.shape[:-1], -1), -1, axis)
    return np.ascontiguousarray(x)


def _pooled_rows(rows: Array, size: int, stride: int, dilation: int, pool: Pool) -> Array:
    """The pooling of rows (M, 1, 1, L). What a dilation passes over, the windows beside it see: `dilation` poolings."""
    if dilation == 1:
        return pool(rows, (1, size), (1, stride))
    y = np.empty((*rows.shape[:3], rows.shape[3] - (size - 1) * dilation), np.float32)
    for first in range(min(dilation, y.shape[3])):
        y[..., first::dilation] = pool(rows[..., first::dilation], (1, size), (1, 1))
    return y[..., ::stride]


def _indices(places: NDArray[np.int64], shape: tuple[int, ...], padded_width: int, padding: tuple[int, int, int, int],
             storage_order: int) -> NDArray[np.int64]:
    """Places in padded images as places in all of x."""
    _, _, height, width = shape
    row, col = places // padded_width - padding[0], places % padded_width - padding[2]
    channels = np.arange(shape[0] * shape[1]).reshape(*shape[:2], 1, 1)
    return channels * height * width + (col * height + row if storage_order else row * width + col)


OPERATORS = {"AveragePool": average_pool, "GlobalAveragePool": global_average_pool,
             "GlobalMaxPool": global_max_pool, "MaxPool": max_pool}
