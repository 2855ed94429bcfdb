"""Convolution that reads the image where it is, and its gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Fixed, aligned_floats
from fastconv.engine.operators import depthwise
from fastconv.engine.operators.correlation import correlate, correlate_grad, pack_for
from fastconv.engine.operators.tiling import Lines
from fastconv.engine.operators.window import Window, backward_taps, forward_taps
from fastconv.engine.program import Call
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, Weight, partial_sums
from fastconv.kernels import pack
from fastconv.layout import Packed, whole_lanes
from fastconv.simd.block import SQUARE
from fastconv.simd.blocking import GRADIENT_COLS, WIDE_KERNEL


def halo(window: Window) -> tuple[int, int, int, int]:
    """No zeros are needed around the image."""
    return 0, 0, 0, 0


def conv2d(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None, window: Window) -> Tensor:
    """As `convolution.conv2d`, without its gradients."""
    y = Tensor.new(Packed.of(weight.groups * weight.targets, *window.output_size(x.place.size)), needs_grad=False)
    if depthwise.serves(weight, window):
        y.correlations = depthwise.conv2d(builder, x, y, weight, bias, window)
    else:
        rows, cols = (Lines.of(forward_taps(window, axis, x.place.size[axis], y.place.size[axis])) for axis in (0, 1))
        weight.forward = pack_for(weight.size, rows, cols)
        y.correlations = correlate(builder, x, y, weight.forward, bias, rows, cols, window.kernel,
                                   groups=weight.groups, targets=weight.targets, sources=weight.sources)
    return y


def conv2d_input_grad(builder: Builder, dy: Tensor, dx: Tensor, weight: Weight, window: Window,
                      bias: Bias | None = None) -> list[Call]:
    """Writes the gradient of the convolution's input to dx, plus the bias if there is one."""
    if depthwise.serves_input_grad(weight, window):
        return depthwise.conv2d_input_grad(builder, dy, dx, weight, window, bias)
    rows, cols = (Lines.of(backward_taps(window, axis, dx.place.size[axis], dy.place.size[axis])) for axis in (0, 1))
    weight.backward = pack_for(weight.size, rows, cols)
    return correlate(builder, dy, dx, weight.backward, bias, rows, cols, window.kernel,
                     groups=weight.groups, targets=weight.sources, sources=weight.targets)


def conv2d_weight_grad(builder: Builder, x: Tensor, dy: Tensor, weight: Weight, window: Window) -> None:
    """Leaves what the step makes the gradient of: sums of each group of images, or the factors of a matrix product."""
    is_linear = dy.place.size == (1, 1) and window.kernel == x.place.size and not any(window.padding)
    if is_linear and weight.groups == 1:
        _prepare_product(builder, x, dy, weight)
    elif depthwise.serves_weight_grad(weight, window) and not x.place.origin:
        depthwise.conv2d_weight_grad(builder, x, dy, weight, window)
    else:
        _partial_sums(builder, x, dy, weight, window)


def _prepare_product(builder: Builder, x: Tensor, dy: Tensor, weight: Weight) -> None:
    product: dict[str, Any] = {"in_features": x.place.features, "out_features": dy.place.features}
    for name, factor in (("x", x), ("dy", dy)):
        row = whole_lanes(factor.place.features)
        rows = Fixed(aligned_floats(whole_lanes(builder.capacity) * row))
        builder.call(pack.unpack_features, SQUARE, x=factor.buffer, y=rows, y_row=row, batch=builder.batch,
                     **factor.place.flat().fields())
        product |= {name: rows, f"{name}_row": row}
    weight.product = product


def _partial_sums(builder: Builder, x: Tensor, dy: Tensor, weight: Weight, window: Window) -> None:
    weight.partial = partial_sums(weight.size)
    size = x.place.size
    if x.place.origin:  # a halo stands in for the padding
        top, bottom, left, right = window.padding
        size, window = (size[0] + top + bottom, size[1] + left + right), replace(window, padding=(0, 0, 0, 0))
    whole = not any(window.padding)  # every pixel sees every tap
    taps_in_tile = whole and (weight.sources < GRADIENT_COLS or weight.kernel_width >= WIDE_KERNEL)
    taps = weight.kernel_height * weight.kernel_width
    weight.partial_order = (weight.row_size, 1) if taps_in_tile else (taps, weight.sources)
    correlate_grad(builder, x, size, dy, weight, window, taps_in_tile)
