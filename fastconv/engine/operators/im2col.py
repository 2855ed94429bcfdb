"""Convolution as a matrix product: the weight times the columns that the window cuts out of the image.

(Chellapilla et al. 2006, section 4.) The product runs on the same register tiles as everything else, as a correlation
with a 1×1 kernel whose source channels are the taps. Columns are made for a block of output pixels at a time, so that
they are still in the cache when the product reads them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastconv.engine.builder import Builder
from fastconv.engine.memory import At, Buffer
from fastconv.engine.operators.correlation import correlate, correlate_grad, pack_for
from fastconv.engine.operators.tiling import Lines, Progression
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, Weight
from fastconv.kernels import columns as kernels
from fastconv.kernels.blocks import runs
from fastconv.layout import LANES, Packed

#: Columns made at a time: a good part of a core's second-level cache.
BLOCK_BYTES = 256 * 1024

#: Output pixels in a block at least, so that large kernels do not make a call for every few.
LEAST_PIXELS = 32

ONE = Lines([Progression(0, 1, 1, 0, 1, 0, 1)])


def weight_shape(shape: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """The weight (C_out, C / groups, kh, kw) as the matrix of the product."""
    return shape[0], shape[1] * shape[2] * shape[3], 1, 1


def conv2d(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None, window: Window) -> Tensor:
    """As `convolution.conv2d`, without its gradients; for a weight of `weight_shape`, as all functions here."""
    y = Tensor.new(Packed.of(weight.groups * weight.targets, *window.output_size(x.place.size)), needs_grad=False)
    calls = []
    weight.forward = pack_for(weight.size, ONE, _line(0, 0, y.place.height * y.place.width))
    for start, columns in _blocks(weight, y):
        builder.call(kernels.im2col, **_fields(x, y, columns, start, window))
        calls += correlate(builder, columns, y, weight.forward, bias, ONE,
                           _line(start, 0, columns.place.width), (1, 1),
                           groups=weight.groups, targets=weight.targets, sources=weight.sources)
    y.correlations = calls
    return y


def conv2d_input_grad(builder: Builder, dy: Tensor, dx: Tensor, weight: Weight, window: Window) -> None:
    """Writes the gradient of the convolution's input to dx."""
    weight.backward = pack_for(weight.size, ONE, _line(0, 0, dy.place.height * dy.place.width))
    for start, columns in _blocks(weight, dy):
        correlate(builder, dy, columns, weight.backward, None, ONE, _line(0, start, columns.place.width), (1, 1),
                  groups=weight.groups, targets=weight.sources, sources=weight.targets)
        builder.call(kernels.col2im, **_fields(dx, dy, columns, start, window))


def conv2d_weight_grad(builder: Builder, x: Tensor, dy: Tensor, weight: Weight, window: Window) -> None:
    """Leaves the sums of each group of images, which the step makes the gradient of."""
    weight.partial = Buffer(4 * weight.size, per_group=True)
    for start, columns in _blocks(weight, dy):
        builder.call(kernels.im2col, **_fields(x, dy, columns, start, window))
        block = 1, columns.place.width
        correlate_grad(builder, columns, block, At(dy.buffer, 4 * LANES * start), dy.place, block, weight,
                       Window((1, 1)), accumulate=start > 0)


def _line(target: int, source: int, count: int) -> Lines:
    """`count` pixels from `target` on, made of those from `source` on."""
    return Lines([Progression(target, 1, count, 0, 1, source, 1)])


def _blocks(weight: Weight, y: Tensor) -> Iterator[tuple[int, Tensor]]:
    """The first output pixel of each block, and its columns."""
    rows, pixels = weight.groups * weight.sources, y.place.height * y.place.width
    most = max(LEAST_PIXELS, BLOCK_BYTES // (4 * LANES * rows))
    for run in runs(pixels, most):
        for start in range(run.start, run.start + run.blocks * run.size, run.size):
            yield start, Tensor.new(Packed.of(rows, 1, run.size), needs_grad=False)


def _fields(x: Tensor, y: Tensor, columns: Tensor, start: int, window: Window) -> dict[str, Any]:
    place = x.place
    return {"x": x.start, "columns": columns.buffer, "start": start, "count": columns.place.width,
            "channels": place.channels, "height": place.height, "width": place.width, "out_width": y.place.width,
            **window.fields(), "dilation_height": window.dilation[0], "dilation_width": window.dilation[1],
            "x_row": place.row, "x_plane": place.plane, "columns_plane": columns.place.plane}
