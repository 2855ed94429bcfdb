"""Depthwise convolution, where kernels of its own serve it: one source and one target channel in each group."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.operators.window import Window
from fastconv.engine.program import Call
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, Weight, partial_sums
from fastconv.kernels import depthwise as kernels
from fastconv.kernels.blocks import runs
from fastconv.layout import LANES
from fastconv.simd.block import Block
from fastconv.simd.blocking import DEPTHWISE_GRADIENT_TAPS, DEPTHWISE_TAPS


def serves(weight: Weight, window: Window) -> bool:
    """Whether these kernels are the ones to compute a convolution."""
    height, width = window.kernel
    return weight.sources == weight.targets == 1 and height * width <= DEPTHWISE_TAPS


def serves_input_grad(weight: Weight, window: Window) -> bool:
    """Likewise its input's gradient: a convolution of dy between zeros, where no stride spreads it."""
    top, _, left, _ = window.padding
    return serves(weight, window) and window.stride == (1, 1) and top <= _reach(window, 0) and left <= _reach(window, 1)


def serves_weight_grad(weight: Weight, window: Window) -> bool:
    """Likewise its weight's gradient."""
    return weight.sources == weight.targets == 1 and window.kernel[1] <= DEPTHWISE_GRADIENT_TAPS


def conv2d(builder: Builder, x: Tensor, y: Tensor, weight: Weight, bias: Bias | None, window: Window) -> list[Call]:
    """Writes to y what the windows make of x."""
    return [_correlate(builder, x, y, weight, bias, window, (window.padding[0], window.padding[2]))]


def conv2d_input_grad(builder: Builder, dy: Tensor, dx: Tensor, weight: Weight, window: Window,
                      bias: Bias | None) -> list[Call]:
    """Writes the gradient of the convolution's input to dx, plus the bias if there is one."""
    corner = _reach(window, 0) - window.padding[0], _reach(window, 1) - window.padding[2]
    return [_correlate(builder, dy, dx, weight, bias, window, corner, flipped=True)]


def conv2d_weight_grad(builder: Builder, x: Tensor, dy: Tensor, weight: Weight, window: Window) -> None:
    """Leaves the sums of each group of images."""
    weight.partial = partial_sums(weight.size)
    for run in runs(window.kernel[0], max(1, DEPTHWISE_GRADIENT_TAPS // window.kernel[1])):
        for row in range(run.start, run.start + run.blocks * run.size, run.size):
            builder.call(kernels.depthwise_grad, Block(run.size, window.kernel[1]), weight=weight.partial,
                         kernel_row=row, **_fields(x, dy, window, (window.padding[0], window.padding[2])))


def _reach(window: Window, axis: int) -> int:
    """The pixels from the first tap to the last."""
    return window.dilation[axis] * (window.kernel[axis] - 1)


def _correlate(builder: Builder, x: Tensor, y: Tensor, weight: Weight, bias: Bias | None, window: Window,
               corner: tuple[int, int], flipped: bool = False) -> Call:
    values = np.zeros(y.place.channels, np.float32) if bias is None else bias.parameter.array
    return builder.call(kernels.depthwise, Block(*window.kernel), weight=Fixed(weight.parameter.array),
                        bias=Fixed(values), flipped=flipped, lower=-np.inf, **_fields(x, y, window, corner))


def _fields(x: Tensor, y: Tensor, window: Window, corner: tuple[int, int]) -> dict[str, Any]:
    """corner: the zeros above and to the left of x."""
    rows, cols = ((y.place.size[axis] - 1) * window.stride[axis] + _reach(window, axis) + 1 for axis in (0, 1))
    top, left = corner
    fields: dict[str, Any] = {}
    if top or left or rows > x.place.height or cols > x.place.width:
        fields = {"padded": Buffer(4 * LANES * rows * cols, keep=True), "padded_row": cols,
                  "padded_origin": top * cols + left}
    return fields | {
        "x": x.start, "y": y.buffer, "channels": x.place.channels,
        "height": min(x.place.height, rows - top), "width": min(x.place.width, cols - left),
        "x_row": x.place.row, "x_plane": x.place.plane,
        "out_height": y.place.height, "out_width": y.place.width, "y_row": y.place.row, "y_plane": y.place.plane,
        "stride_height": window.stride[0], "stride_width": window.stride[1],
        "dilation_height": window.dilation[0], "dilation_width": window.dilation[1],
        "taps": window.kernel[0] * window.kernel[1], "kernel_width": window.kernel[1]}
