"""Convolution as a matrix product: the weight times the columns that the window cuts out of the image.

(Chellapilla et al. 2006, section 4.) The product runs on the same register tiles as the direct algorithm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, PackedWeight, Weight, channels_inner, partial_sums
from fastconv.kernels import columns as kernels
from fastconv.kernels.blocks import runs
from fastconv.layout import LANES, Packed
from fastconv.simd.block import Block
from fastconv.simd.blocking import CORRELATE_ROWS, GRADIENT_COLS, GRADIENT_ROWS, PANEL_STRIP_BYTES, TILE_COLS


def serves(rows: int) -> bool:
    """Whether there is a matrix to multiply with: with a single row, each column is used once and needs no place."""
    return rows > 1


def halo(window: Window) -> tuple[int, int, int, int]:
    """The zeros that all functions here need around the image, or its gradient."""
    return window.padding


def conv2d(builder: Builder, x: Tensor, weight: Weight, bias: Bias | None, window: Window) -> Tensor:
    """As `convolution.conv2d`, without its gradients."""
    y = Tensor.new(Packed.of(weight.groups * weight.targets, *window.output_size(x.place.size)), needs_grad=False)
    weight.forward = PackedWeight(weight.size, CORRELATE_ROWS)
    values = np.zeros(y.place.channels, np.float32) if bias is None else bias.parameter.array
    taps = _taps(x, weight, window)
    if channels_inner(weight.sources, weight.kernel_width):
        taps = taps.transpose(1, 2, 0)
    for rows in runs(weight.targets, CORRELATE_ROWS):
        cols = TILE_COLS[rows.size]
        builder.call(kernels.multiply, Block(rows.size, cols), **_fields(x, y, weight, window, taps),
                     weight=Fixed(weight.forward.array), bias=Fixed(values),
                     panel=Buffer(4 * LANES * cols * taps.size), start=rows.start, blocks=rows.blocks)
    return y


def conv2d_input_grad(builder: Builder, dy: Tensor, dx: Tensor, weight: Weight, window: Window) -> None:
    """Writes the gradient of the convolution's input to dx; its halo gets what belongs to the padding."""
    weight.backward = PackedWeight(weight.size, CORRELATE_ROWS)
    taps = _taps(dx, weight, window)[0]
    inner = channels_inner(weight.targets, weight.kernel_width)
    for rows in runs(weight.sources, CORRELATE_ROWS):
        builder.call(kernels.multiply_grad, Block(rows.size, TILE_COLS[rows.size]),
                     **_fields(dx, dy, weight, window, taps), weight=Fixed(weight.backward.array),
                     tap_step=weight.targets if inner else 1, target_step=1 if inner else taps.size,
                     start=rows.start, blocks=rows.blocks)


def conv2d_weight_grad(builder: Builder, x: Tensor, dy: Tensor, weight: Weight, window: Window) -> None:
    """Leaves the sums of each group of images, which the step makes the gradient of."""
    weight.partial = partial_sums(weight.size)
    pixels, taps = dy.place.height * dy.place.width, _taps(x, weight, window)
    on_its_side = weight.targets <= GRADIENT_COLS  # a tile holds all targets, and no column is read twice
    for cols in runs(weight.row_size, GRADIENT_ROWS[weight.targets] if on_its_side else GRADIENT_COLS):
        for rows in runs(weight.targets, weight.targets if on_its_side else GRADIENT_ROWS[cols.size]):
            most = max(1, PANEL_STRIP_BYTES // (4 * LANES * (rows.size + cols.size)))
            strip = runs(pixels, most)[0].size
            builder.call(kernels.multiply_weight_grad, Block(rows.size, cols.size),
                         **_fields(x, dy, weight, window, taps), weight=weight.partial,
                         panel=Buffer(4 * LANES * strip * cols.size), strip=strip,
                         start=rows.start, blocks=rows.blocks, col_start=cols.start, col_blocks=cols.blocks)


def _taps(x: Tensor, weight: Weight, window: Window) -> np.ndarray:
    """The places of the taps (source channel, kernel row, kernel column) of the first output pixel."""
    channels = np.arange(weight.sources) * x.place.plane
    rows, cols = (np.arange(window.kernel[axis]) * window.dilation[axis] for axis in (0, 1))
    return np.asarray(channels[:, None, None] + rows[:, None] * x.place.row + cols)


def _fields(x: Tensor, y: Tensor, weight: Weight, window: Window, taps: np.ndarray) -> dict[str, Any]:
    """What the three products share: the image and the output, or their gradients, and the places of columns."""
    rows, cols = (np.arange(y.place.size[axis]) * window.stride[axis] for axis in (0, 1))
    pixels = rows[:, None] * x.place.row + cols
    return {"x": x.buffer, "x_plane": x.place.plane, "y": y.buffer, "y_plane": y.place.plane,
            "taps": Fixed(taps.ravel()), "tap_count": taps.size, "pixels": Fixed(pixels.ravel()),
            "pixel_count": pixels.size, "groups": weight.groups, "targets": weight.targets, "sources": weight.sources}
