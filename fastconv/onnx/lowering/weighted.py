"""Convolutions, linear layers and normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import nn
from fastconv.errors import UnsupportedError
from fastconv.onnx.lowering.expect import Input, constant, images, of_channels, value
from fastconv.onnx.network import Network, Part, Value
from fastconv.onnx.operators.convolution import expect_kernel, transposed, whole_size
from fastconv.onnx.windows import windows


def conv(net: Network, x: Input, weight: Input, bias: Input | None = None, *, auto_pad: str = "NOTSET",
         dilations: Sequence[int] | None = None, group: int = 1, kernel_shape: Sequence[int] | None = None,
         pads: Sequence[int] | None = None, strides: Sequence[int] | None = None) -> Value:
    """A Pad before it becomes its padding."""
    batch, kernel = images(x), constant("the weight", weight, 4)
    expect_kernel(kernel_shape, kernel)
    if isinstance(batch.layer, Part) and batch.layer.node.op == "Pad" and auto_pad == "NOTSET":
        pads = tuple(a + b for a, b in zip(batch.layer.detail, pads or (0, 0, 0, 0), strict=True))
        (batch,) = batch.reads
    window = windows(batch.shape[2:], kernel.shape[2:], strides, dilations, pads, auto_pad).along_two
    state = {"weight": kernel} if bias is None else {"weight": kernel, "bias": constant("the bias", bias, 1)}
    layer = nn.Conv2d(kernel.shape[1] * group, len(kernel), window.kernel, window.stride, window.padding,
                      window.dilation, group, bias is not None)
    return net.add(layer, batch, state=state)


def conv_transpose(net: Network, x: Input, weight: Input, bias: Input | None = None, *, auto_pad: str = "NOTSET",
                   dilations: Sequence[int] | None = None, group: int = 1, kernel_shape: Sequence[int] | None = None,
                   output_padding: Sequence[int] | None = None, output_shape: Sequence[int] | None = None,
                   pads: Sequence[int] | None = None, strides: Sequence[int] | None = None) -> Value:
    """What its output has more at its end than at its beginning is output_padding."""
    batch, kernel = images(x), constant("the weight", weight, 4)
    expect_kernel(kernel_shape, kernel)
    size = batch.shape[2:]
    axes, before, made = transposed(size, kernel.shape[2:], strides, dilations, pads, auto_pad, output_padding,
                                    output_shape)
    extra = [m - w + 2 * b for m, w, b in zip(made, whole_size(size, axes), before, strict=True)]
    if min(*before, *extra) < 0:
        raise UnsupportedError(f"an output is supported that is cut off as much on both sides, or less at its end, "
                               f"found {before} before and {made} in all")
    state = {"weight": kernel} if bias is None else {"weight": kernel, "bias": constant("the bias", bias, 1)}
    window = axes.along_two
    layer = nn.ConvTranspose2d(len(kernel), kernel.shape[1] * group, window.kernel, window.stride,
                               (before[0], before[1]), (extra[0], extra[1]), group, bias is not None, window.dilation)
    return net.add(layer, batch, state=state)


def gemm(net: Network, a: Input, b: Input, c: Input | None = None, *, alpha: float = 1.0, beta: float = 1.0,
         transA: int = 0, transB: int = 0) -> Value:
    x, matrix = value(a), constant("the matrix", b, 2) * np.float32(alpha)
    if transA:
        raise UnsupportedError('its attribute "transA" is not supported where a depends on the images')
    weight = matrix if transB else matrix.T
    if c is None:
        return linear(net, x, weight)
    bias = constant("the bias", c) * np.float32(beta)
    if bias.size not in (1, len(weight)) or bias.shape[-1:] not in ((), (1,), (len(weight),)):
        raise UnsupportedError(f"expected a bias of {len(weight)} outputs, found {bias.shape}")
    return linear(net, x, weight, np.broadcast_to(bias.reshape(-1), len(weight)))


def matmul(net: Network, a: Input, b: Input) -> Value:
    return linear(net, value(a), constant("the matrix", b, 2).T)


def linear(net: Network, x: Value, weight: NDArray[Any], bias: NDArray[Any] | None = None) -> Value:
    """weight: (out_features, in_features)."""
    state = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    return net.add(nn.Linear(weight.shape[1], len(weight), bias is not None), x, state=state)


def batch_normalization(net: Network, x: Input, scale: Input, bias: Input, mean: Input, variance: Input, *,
                        epsilon: float = 1e-5, momentum: float = 0.9, training_mode: int = 0) -> Value:
    if training_mode:
        raise UnsupportedError('its attribute "training_mode" is not supported')
    batch = images(x)
    layer = nn.BatchNorm2d(batch.shape[1], epsilon, min(max(1 - momentum, 0), 1))
    arrays = {"weight": scale, "bias": bias, "running_mean": mean, "running_var": variance}
    state = {name: constant(name, each, 1) for name, each in arrays.items()}
    return net.add(layer, batch, state={**state, "num_batches_tracked": np.int64(0)})


def with_bias(net: Network, x: Value, shift: Input) -> Value | None:
    """x with a constant added, where a layer without a bias made x that can take it; None elsewhere."""
    if not isinstance(x.layer, nn.Conv2d | nn.Linear) or x.layer.bias is not None:
        return None
    layer, size = x.layer, x.shape[1]
    bias = np.broadcast_to(of_channels("what is added", shift, x), size)
    new = type(layer)(**{**layer.config, "bias": True})
    return net.add(new, *x.reads, state={**layer.state_dict(), "bias": bias}, name=x.name)


LAYERS = {"BatchNormalization": batch_normalization, "Conv": conv, "ConvTranspose": conv_transpose,
          "Gemm": gemm, "MatMul": matmul}
