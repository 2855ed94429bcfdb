"""Poolings, and zeros around images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.nn.layer import Shape
from fastconv.onnx.lowering.expect import Input, constant, images, value
from fastconv.onnx.network import Network, Part, Value, is_part
from fastconv.onnx.operators.selection import pads_of
from fastconv.onnx.signature import only
from fastconv.onnx.windows import Windows, windows
from fastconv.shapes import output_size


def max_pool(net: Network, x: Input, *, auto_pad: str = "NOTSET", ceil_mode: int = 0,
             dilations: Sequence[int] | None = None, kernel_shape: Sequence[int], pads: Sequence[int] | None = None,
             storage_order: int = 0, strides: Sequence[int] | None = None) -> Value:
    batch = images(x)
    axes = windows(batch.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    return net.add(nn.MaxPool2d(**_pooling(axes, batch.shape)), batch)


def average_pool(net: Network, x: Input, *, auto_pad: str = "NOTSET", ceil_mode: int = 0, count_include_pad: int = 0,
                 dilations: Sequence[int] | None = None, kernel_shape: Sequence[int],
                 pads: Sequence[int] | None = None, strides: Sequence[int] | None = None) -> Value:
    batch = images(x)
    axes = windows(batch.shape[2:], kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    if isinstance(batch.layer, Part) and is_part(batch, "Pad") and not (count_include_pad and np.any(axes.pads)):
        (before,) = batch.reads
        return _padded_before(net, before, batch.layer.detail, axes)
    counted = bool(count_include_pad) or not np.any(axes.pads)
    if counted and any(before != after for before, after in axes.pads):
        raise UnsupportedError(f"padding that counts is supported if it is the same on both sides, found {axes.pads}")
    return net.add(nn.AvgPool2d(count_include_pad=counted, **_pooling(axes, batch.shape)), batch)


def _padded_before(net: Network, x: Value, padding: tuple[int, int, int, int], axes: Windows) -> Value:
    """The means of images with zeros around them, which count, by windows that may reach beyond these."""
    top, left, bottom, right = padding
    if (top, left) != (bottom, right) or any(before for before, _ in axes.pads):
        raise UnsupportedError(f"padding that counts is supported if it is the same on both sides, found {padding}")
    pads = tuple((zeros, zeros + after) for zeros, (_, after) in zip((top, left), axes.pads, strict=True))
    return net.add(nn.AvgPool2d(**_pooling(replace(axes, pads=pads), x.shape)), x)


def _pooling(axes: Windows, shape: Shape) -> dict[str, Any]:
    """The arguments of a pooling layer. What lies beyond an image counts for nothing: it is as good as ceil_mode."""
    if set(axes.dilations) != {1}:
        raise UnsupportedError("its dilations are not supported")
    window, size = axes.along_two, (shape[2], shape[3])
    (top, bottom), (left, right) = axes.pads
    below, beside = axes.overhang
    wanted = output_size(size, window.kernel, window.stride, (top, bottom + below, left, right + beside))
    for ceil_mode in (False, True):
        if output_size(size, window.kernel, window.stride, (top, top, left, left), ceil_mode=ceil_mode) == wanted:
            return {"kernel_size": window.kernel, "stride": window.stride, "padding": (top, left),
                    "ceil_mode": ceil_mode}
    raise UnsupportedError(f"padding is supported that is the same on both sides, or has ceil_mode's windows, "
                           f"found {axes.pads}")


def global_average_pool(net: Network, x: Input) -> Value:
    return net.add(nn.AdaptiveAvgPool2d(1), images(x))


def global_max_pool(net: Network, x: Input) -> Value:
    return net.add(nn.AdaptiveMaxPool2d(1), images(x))


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
