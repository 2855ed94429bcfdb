"""The operators on plain NCHW float32 arrays, one call each.

A whole network is faster as a model: here every call packs its arrays and unpacks its result.
The first call for a shape plans it, later ones reuse the plan. Any number of threads may call at once.

All functions raise ShapeError for arrays that do not fit together, DtypeError for arrays that are not float32,
and ValueError or TypeError for options that make no sense.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fastconv.elementwise import (
    acon,
    elu,
    gelu,
    hardswish,
    hardtanh,
    leaky_relu,
    meta_acon,
    meta_acon_layer,
    meta_acon_pixel,
    mish,
    prelu,
    relu,
    selu,
    sigmoid,
    silu,
    smooth_maximum,
    softplus,
    swish,
    tanh,
)
from fastconv.engine import operators
from fastconv.engine.builder import Builder
from fastconv.engine.operators import Window, convolution, direct, im2col, pooling, upsampling, winograd
from fastconv.engine.parameter import Parameter
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Weight
from fastconv.errors import DtypeError, ShapeError
from fastconv.kernels.abi import IMAGES, TARGETS
from fastconv.layout import Packed
from fastconv.operation import Array
from fastconv.operation import array as _array
from fastconv.operation import expect as _expect
from fastconv.operation import run as _run
from fastconv.shapes import (
    IntPair,
    Padding,
    conv_padding,
    integer,
    pair,
    pool_padding,
    transposed_padding,
    transposed_size,
)

__all__ = [
    "ALGORITHMS", "Algorithm", "Array", "acon", "avg_pool2d", "avg_pool2d_grad", "channel_shuffle", "conv2d",
    "conv2d_input_grad", "conv2d_weight_grad", "conv_transpose2d", "elu", "gelu", "hardswish", "hardtanh", "leaky_relu",
    "linear", "max_pool2d", "max_pool2d_grad", "meta_acon", "meta_acon_layer", "meta_acon_pixel", "mish", "prelu",
    "relu", "selu", "sigmoid", "silu", "smooth_maximum", "softmax", "softplus", "swish", "tanh", "upsample",
    "upsample_grad",
]

Algorithm = Literal["auto", "direct", "im2col", "winograd"]

#: "auto" is Winograd's where that is the faster one (`winograd.wins`), and direct elsewhere: on no shape measured
#: was im2col faster than that (`fastconv bench` shows all).
ALGORITHMS = {"auto": convolution, "direct": direct, "im2col": im2col, "winograd": winograd}


def conv2d(x: Array, weight: Array, bias: Array | None = None, stride: IntPair = 1, padding: Padding = 0,
           dilation: IntPair = 1, groups: int = 1, algorithm: Algorithm = "auto") -> Array:
    """The convolution of x (N, C, H, W) with weight (C_out, C / groups, kh, kw), plus bias (C_out,).

    padding: zeros around the image, as an integer, a pair (height, width), "same" or "valid".
    algorithm: "winograd" takes 3×3 kernels with stride 1 and dilation 1. Its rounding errors are up to 5e-6 of the
    largest output, and NaN spreads to neighbouring outputs of its image. "auto" may choose it, "direct" never does.
    "im2col" is "direct" where a group's matrix would have a single row, as in depthwise layers.
    Returns (N, C_out, H_out, W_out).
    """
    x, weight = _array("x", x, 4), _array("weight", weight, 4)
    inputs = [weight] if bias is None else [weight, _array("bias", bias, 1)]
    window = _conv_window(weight.shape[2:], stride, padding, dilation)
    _expect("x", x.shape, (None, weight.shape[1] * _groups(groups, len(weight)), None, None))
    if bias is not None:
        _expect("bias", bias.shape, weight.shape[:1])
    y = _empty(x.shape, len(weight), window)
    module = _module(algorithm, window, len(weight) // groups)

    def emit(builder: Builder, w: Parameter, b: Parameter | None = None) -> None:
        image = builder.array(x.shape[1:], IMAGES, module.halo(window))
        bias_in = None if b is None else builder.bias(b)
        matrix = builder.weight(w, weight.shape, groups)
        builder.output(module.conv2d(builder, image, matrix, bias_in, window))

    _run(("conv2d", x.shape[1:], weight.shape, bias is None, window, groups, module), emit, x, inputs, results=y)
    return y


def conv2d_input_grad(dy: Array, weight: Array, input_shape: Sequence[int], stride: IntPair = 1, padding: Padding = 0,
                      dilation: IntPair = 1, groups: int = 1, algorithm: Algorithm = "auto") -> Array:
    """The gradient of `conv2d` by x, of shape input_shape (N, C, H, W), from that by y: dy (N, C_out, H_out, W_out)."""
    dy, weight = _array("dy", dy, 4), _array("weight", weight, 4)
    window = _conv_window(weight.shape[2:], stride, padding, dilation)
    shape = _shape(input_shape)
    _expect("input_shape", shape, (None, weight.shape[1] * _groups(groups, len(weight)), None, None))
    _expect("dy", dy.shape, (shape[0], len(weight), *_output_size(shape, window)))
    module = _module(algorithm, window, weight.shape[1])

    def emit(builder: Builder, w: Parameter) -> None:
        image = builder.array(dy.shape[1:], IMAGES)
        dx = Tensor.new(Packed.of(*shape[1:], halo=module.halo(window)), needs_grad=True)
        matrix = builder.weight(w, weight.shape, groups)
        module.conv2d_input_grad(builder, image, dx, matrix, window)
        builder.output(dx)

    dx = np.empty(shape, np.float32)
    _run(("conv2d_input_grad", shape[1:], weight.shape, window, groups, module), emit, dy, [weight], results=dx)
    return dx


def conv2d_weight_grad(x: Array, dy: Array, kernel_size: IntPair, stride: IntPair = 1, padding: Padding = 0,
                       dilation: IntPair = 1, groups: int = 1, algorithm: Algorithm = "auto") -> Array:
    """The gradient of `conv2d` by weight, (C_out, C / groups, kh, kw), from that by y: dy (N, C_out, H_out, W_out)."""
    x, dy = _array("x", x, 4), _array("dy", dy, 4)
    window = _conv_window(pair("kernel_size", kernel_size), stride, padding, dilation)
    channels, out_channels = x.shape[1], dy.shape[1]
    if channels % _groups(groups, out_channels):
        raise ShapeError(f"expected the channels of x to be a multiple of groups {groups}, got {x.shape}")
    _expect("dy", dy.shape, (len(x), None, *_output_size(x.shape, window)))
    shape = out_channels, channels // groups, *window.kernel
    module = _module(algorithm, window, out_channels // groups)

    def emit(builder: Builder, w: Parameter) -> Weight:
        weight = builder.weight(w, shape, groups, trainable=True)
        image, grad = builder.array(x.shape[1:], IMAGES, module.halo(window)), builder.array(dy.shape[1:], TARGETS)
        module.conv2d_weight_grad(builder, image, grad, weight, window)
        return weight

    dw = np.empty(shape, np.float32)
    _run(("conv2d_weight_grad", x.shape[1:], shape, window, groups, module), emit, x, [dw], second=dy, grad=dw)
    return dw


def conv_transpose2d(x: Array, weight: Array, bias: Array | None = None, stride: IntPair = 1, padding: IntPair = 0,
                     output_padding: IntPair = 0, groups: int = 1, dilation: IntPair = 1) -> Array:
    """The transposed convolution of x (N, C, H, W) with weight (C, C_out / groups, kh, kw), plus bias (C_out,).

    Returns (N, C_out, H_out, W_out). Its gradient by x is `conv2d` of dy with this weight, and that by weight is
    `conv2d_weight_grad(dy, x)`, both without output padding.
    """
    x, weight = _array("x", x, 4), _array("weight", weight, 4)
    inputs = [weight] if bias is None else [weight, _array("bias", bias, 1)]
    channels, kernel = weight.shape[1] * _groups(groups, len(weight)), pair("kernel_size", weight.shape[2:])
    steps, spread = pair("stride", stride), pair("dilation", dilation)
    window = Window(kernel, steps, transposed_padding(padding, output_padding, steps, spread), spread)
    _expect("x", x.shape, (None, len(weight), None, None))
    if bias is not None:
        _expect("bias", bias.shape, (channels,))
    size = transposed_size((x.shape[2], x.shape[3]), kernel, steps, window.padding, spread)
    if min(size) < 1:
        raise ShapeError(f"padding {padding} leaves nothing of what the kernel {kernel} makes of {x.shape}")

    def emit(builder: Builder, w: Parameter, b: Parameter | None = None) -> None:
        image = builder.array(x.shape[1:], IMAGES)
        matrix = builder.weight(w, weight.shape, groups)
        bias_in = None if b is None else builder.bias(b)
        builder.output(operators.conv_transpose2d(builder, image, matrix, bias_in, window, size))

    y = np.empty((len(x), channels, *size), np.float32)
    _run(("conv_transpose2d", x.shape[1:], weight.shape, bias is None, window, groups), emit, x, inputs, results=y)
    return y


def linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    """x weightᵀ + bias, for x (N, in_features), weight (out_features, in_features) and bias (out_features,)."""
    x, weight = _array("x", x, 2), _array("weight", weight, 2)
    _expect("x", x.shape, (None, weight.shape[1]))
    return conv2d(x[:, :, None, None], weight[:, :, None, None], bias)[:, :, 0, 0]


def max_pool2d(x: Array, kernel_size: IntPair, stride: IntPair | None = None, padding: IntPair = 0, *,
               ceil_mode: bool = False) -> tuple[Array, NDArray[np.int64]]:
    """The maximum of each window of x (N, C, H, W), and its place h · W + w in the image; padding never wins.

    stride: kernel_size by default.  ceil_mode: a last window may reach beyond the padding, if it begins in the image or
    in the padding before it.  Both results are (N, C, H_out, W_out).
    """
    x, window = _array("x", x, 4), _pool_window(kernel_size, stride, padding, ceil_mode)
    y = _empty(x.shape, x.shape[1], window)
    places = np.empty(y.shape, np.int64)

    def emit(builder: Builder) -> None:
        image = builder.array(x.shape[1:], IMAGES)
        maxima = Tensor.new(Packed.of(*y.shape[1:]), needs_grad=False)
        argmax = pooling.max_pool2d_forward(builder, image, maxima, window)
        builder.output(maxima)
        pooling.output_argmax(builder, argmax, image, maxima, window)

    _run(("max_pool2d", x.shape[1:], window), emit, x, second=places, results=y)
    return y, places


def max_pool2d_grad(dy: Array, argmax: NDArray[np.int64], input_shape: Sequence[int], kernel_size: IntPair,
                    stride: IntPair | None = None, padding: IntPair = 0, *, ceil_mode: bool = False) -> Array:
    """The gradient of `max_pool2d` by x, of shape input_shape (N, C, H, W): dy at the places of the maxima."""
    dy, window, shape = _array("dy", dy, 4), _pool_window(kernel_size, stride, padding, ceil_mode), _shape(input_shape)
    _expect("dy", dy.shape, (*shape[:2], *_output_size(shape, window)))
    _expect("argmax", np.shape(argmax), dy.shape)
    places = _places(argmax, shape, window)

    def emit(builder: Builder) -> None:
        image, dx = builder.array(dy.shape[1:], IMAGES), Tensor.new(Packed.of(*shape[1:]), needs_grad=True)
        local = pooling.new_argmax(image, window)
        pooling.input_argmax(builder, local, dx, image, window)
        pooling.max_pool2d_grad(builder, local, image, dx, window)
        builder.output(dx)

    dx = np.empty(shape, np.float32)
    _run(("max_pool2d_grad", shape[1:], window), emit, dy, second=places, results=dx)
    return dx


def avg_pool2d(x: Array, kernel_size: IntPair, stride: IntPair | None = None, padding: IntPair = 0,
               ceil_mode: bool = False, count_include_pad: bool = True) -> Array:
    """The mean of each window of x (N, C, H, W), padding counted as zeros or not at all.

    stride, ceil_mode: as of `max_pool2d`; what is beyond the padding never counts.
    """
    x, window = _array("x", x, 4), _pool_window(kernel_size, stride, padding, ceil_mode)
    y = _empty(x.shape, x.shape[1], window)
    _run(("avg_pool2d", x.shape[1:], window, count_include_pad), lambda builder: builder.output(
        operators.avg_pool2d(builder, builder.array(x.shape[1:], IMAGES), window, count_include_pad)), x, results=y)
    return y


def avg_pool2d_grad(dy: Array, input_shape: Sequence[int], kernel_size: IntPair, stride: IntPair | None = None,
                    padding: IntPair = 0, ceil_mode: bool = False, count_include_pad: bool = True) -> Array:
    """The gradient of `avg_pool2d` by x, of shape input_shape (N, C, H, W), from that by y: dy."""
    dy, window, shape = _array("dy", dy, 4), _pool_window(kernel_size, stride, padding, ceil_mode), _shape(input_shape)
    _expect("dy", dy.shape, (*shape[:2], *_output_size(shape, window)))

    def emit(builder: Builder) -> None:
        dx = Tensor.new(Packed.of(*shape[1:]), needs_grad=True)
        pooling.avg_pool2d_grad(builder, builder.array(dy.shape[1:], IMAGES), dx, window, count_include_pad)
        builder.output(dx)

    dx = np.empty(shape, np.float32)
    _run(("avg_pool2d_grad", shape[1:], window, count_include_pad), emit, dy, results=dx)
    return dx


def upsample(x: Array, scale_factor: IntPair) -> Array:
    """Each pixel of x (N, C, H, W) as a rectangle of scale_factor pixels, an integer or a pair (height, width)."""
    x, scale = _array("x", x, 4), pair("scale_factor", scale_factor)
    y = np.empty((*x.shape[:2], x.shape[2] * scale[0], x.shape[3] * scale[1]), np.float32)
    _run(("upsample", x.shape[1:], scale), lambda builder: builder.output(
        upsampling.upsample(builder, builder.array(x.shape[1:], IMAGES), scale)), x, results=y)
    return y


def upsample_grad(dy: Array, scale_factor: IntPair) -> Array:
    """The gradient of `upsample` by x, from that by y: dy (N, C, H · height, W · width)."""
    dy, (rows, cols) = _array("dy", dy, 4), pair("scale_factor", scale_factor)
    n, channels, height, width = dy.shape
    if height % rows or width % cols:
        raise ShapeError(f"expected dy in rectangles of {(rows, cols)} pixels, got {dy.shape}")
    shape = channels, height // rows, width // cols

    def emit(builder: Builder) -> None:
        dx = Tensor.new(Packed.of(*shape), needs_grad=True)
        upsampling.upsample_grad(builder, builder.array(dy.shape[1:], IMAGES), dx, (rows, cols))
        builder.output(dx)

    dx = np.empty((n, *shape), np.float32)
    _run(("upsample_grad", shape, rows, cols), emit, dy, results=dx)
    return dx


def channel_shuffle(x: Array, groups: int) -> Array:
    """The channels of x (N, C, H, W): the first of each group, then the second of each, and so on."""
    x = _array("x", x, 4)
    if integer("groups", groups) and x.shape[1] % groups:
        raise ShapeError(f"expected the channels of x to be a multiple of groups {groups}, got {x.shape}")
    y = np.empty_like(x)
    _run(("channel_shuffle", x.shape[1:], groups), lambda builder: builder.output(
        operators.channel_shuffle(builder, [builder.array(x.shape[1:], IMAGES)], groups)), x, results=y)
    return y


def softmax(x: Array) -> Array:
    """exp(x) / Σ exp(x) over the features of x (N, F)."""
    x = _array("x", x, 2)
    y = np.empty_like(x)
    _run(("softmax", x.shape[1]), lambda builder: builder.output(
        operators.softmax(builder, builder.array((x.shape[1], 1, 1), IMAGES))), x, results=y)
    return y


def _pool_window(kernel_size: IntPair, stride: IntPair | None, padding: IntPair, ceil_mode: bool) -> Window:
    kernel = pair("kernel_size", kernel_size)
    steps = kernel if stride is None else pair("stride", stride)
    return Window(kernel, steps, pool_padding(padding, kernel), ceil_mode=ceil_mode)


def _conv_window(kernel: tuple[int, int], stride: IntPair, padding: Padding, dilation: IntPair) -> Window:
    steps, spread = pair("stride", stride), pair("dilation", dilation)
    return Window(kernel, steps, conv_padding(padding, kernel, steps, spread), spread)


def _module(algorithm: Algorithm, window: Window, rows: int) -> Any:
    """rows: of the matrix that im2col multiplies with."""
    if algorithm not in ALGORITHMS:
        raise ValueError(f"algorithm must be one of {', '.join(ALGORITHMS)}, got {algorithm!r}")
    if algorithm == "winograd" and not winograd.serves(window):
        raise ValueError(f'algorithm "winograd" takes kernel_size (3, 3), stride (1, 1) and dilation (1, 1), got '
                         f"{window.kernel}, {window.stride} and {window.dilation}; \"auto\" takes any")
    return direct if algorithm == "im2col" and not im2col.serves(rows) else ALGORITHMS[algorithm]


def _places(argmax: NDArray[Any], shape: Sequence[int], window: Window) -> NDArray[np.int64]:
    """The places of maxima as int64. Raises where one lies outside the window it is the maximum of."""
    places = np.asarray(argmax)
    if not np.issubdtype(places.dtype, np.integer):
        raise DtypeError(f"expected argmax of integers, got {places.dtype}")
    height, width = _output_size(shape, window)
    corners = (np.arange(height)[:, None] * window.stride[0] - window.padding[0],
               np.arange(width)[None, :] * window.stride[1] - window.padding[2])
    inside = (places >= 0) & (places < shape[2] * shape[3])
    for place, corner, size in zip(np.divmod(places, shape[3]), corners, window.kernel, strict=True):
        inside &= (place >= corner) & (place < corner + size)
    if not inside.all():
        raise ValueError(f"argmax must be places h · W + w inside their windows of an image {shape[2]}×{shape[3]}; "
                         f"{np.count_nonzero(~inside)} are not")
    return np.ascontiguousarray(places, np.int64)


def _groups(groups: int, out_channels: int) -> int:
    if groups < 1 or out_channels % groups:
        raise ValueError(f"groups must divide the {out_channels} output channels, got {groups}")
    return groups


def _shape(input_shape: Sequence[int]) -> tuple[int, int, int, int]:
    if len(input_shape) != 4 or min(input_shape) < 1:
        raise ShapeError(f"expected input_shape (N, C, H, W), got {tuple(input_shape)}")
    n, c, h, w = input_shape
    return n, c, h, w


def _output_size(shape: Sequence[int], window: Window) -> tuple[int, int]:
    size = window.output_size((shape[2], shape[3]))
    if min(size) < 1:
        raise ShapeError(f"the window {window.kernel} does not fit into {tuple(shape)} with padding {window.padding}")
    return size


def _empty(shape: Sequence[int], channels: int, window: Window) -> Array:
    return np.empty((shape[0], channels, *_output_size(shape, window)), np.float32)
