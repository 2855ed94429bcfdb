"""Poolings, and zeros around images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.onnx.lowering.expect import Input, constant, images, value
from fastconv.onnx.network import Network, Value
from fastconv.onnx.operators.selection import pads_of
from fastconv.onnx.signature import only
from fastconv.onnx.windows import Windows, windows


def max_pool(net: Network, x: Input, *, auto_pad: str = "NOTSET", ceil_mode: int = 0,
             dilations: Sequence[int] | None = None, kernel_shape: Sequence[int], pads: Sequence[int] | None = None,
             storage_order: int = 0, strides: Sequence[int] | None = None) -> Value:
    batch = images(x)
    axes = windows(batch.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    return net.add(nn.MaxPool2d(**_pooling(axes)), batch)


def average_pool(net: Network, x: Input, *, auto_pad: str = "NOTSET", ceil_mode: int = 0, count_include_pad: int = 0,
                 dilations: Sequence[int] | None = None, kernel_shape: Sequence[int],
                 pads: Sequence[int] | None = None, strides: Sequence[int] | None = None) -> Value:
    batch = images(x)
    axes = windows(batch.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    if np.any(axes.pads) and not count_include_pad:
        raise UnsupportedError("means that do not count the padding are not supported: count_include_pad is 0")
    return net.add(nn.AvgPool2d(**_pooling(axes)), batch)


def _pooling(axes: Windows) -> dict[str, Any]:
    """The arguments of a pooling layer."""
    if set(axes.dilations) != {1}:
        raise UnsupportedError("its dilations are not supported")
    if any(axes.overhang) or any(before != after for before, after in axes.pads):
        raise UnsupportedError(f"padding is supported that is the same on both sides, found {axes.pads} "
                               f"and windows that reach {axes.overhang} beyond it")
    (top, _), (left, _) = axes.pads
    window = axes.along_two
    return {"kernel_size": window.kernel, "stride": window.stride, "padding": (top, left)}


def global_average_pool(net: Network, x: Input) -> Value:
    return net.add(nn.AdaptiveAvgPool2d(1), images(x))


def global_max_pool(net: Network, x: Input) -> Value:
    batch = images(x)
    return net.add(nn.MaxPool2d((batch.shape[2], batch.shape[3])), batch)


def reduce_mean(net: Network, x: Input, axes: Input | None = None, *, keepdims: int = 1,
                noop_with_empty_axes: int = 0) -> Value:
    """Over the pixels of images."""
    batch = images(x)
    along = sorted(int(axis) % 4 for axis in constant("axes", axes, 1)) if axes is not None else []
    if along != [2, 3]:
        raise UnsupportedError(f"means over the axes 2 and 3 are supported, found {along}")
    means = net.add(nn.AdaptiveAvgPool2d(1), batch)
    return means if keepdims else net.add(nn.Flatten(), means)


def pad(net: Network, x: Input, pads: Input, fill: Input | None = None, axes: Input | None = None, *,
        mode: str = "constant") -> Value:
    """Zeros around images, which a convolution behind it takes over."""
    only("mode", mode, "constant")
    batch = value(x)
    around = pads_of(len(batch.shape), constant("pads", pads, 1), None if axes is None else constant("axes", axes, 1))
    if fill is not None and np.any(constant("the value", fill)):
        raise UnsupportedError("it pads with something else than zeros")
    if not np.any(around):
        return batch
    if len(around) != 4 or np.any(around[:2]) or np.min(around) < 0:
        raise UnsupportedError(f"padding is supported around images only, found {around}")
    (top, bottom), (left, right) = around[2:]
    n, channels, height, width = batch.shape
    return net.part(batch, (n, channels, top + height + bottom, left + width + right), (top, left, bottom, right))


LAYERS = {"AveragePool": average_pool, "GlobalAveragePool": global_average_pool, "GlobalMaxPool": global_max_pool,
          "MaxPool": max_pool, "Pad": pad, "ReduceMean": reduce_mean}
