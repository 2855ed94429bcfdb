"""The calls of a correlation and of its weight's gradient: one for each size of block that channels are cut into."""

from __future__ import annotations

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Fixed
from fastconv.engine.operators.tiling import Lines, neighbour_pixels, neighbour_taps, tile_pixels, tile_runs
from fastconv.engine.operators.window import Window, seen_outputs
from fastconv.engine.program import Call
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, PackedWeight, Weight, channels_inner
from fastconv.kernels import correlate as kernels
from fastconv.kernels import correlate_grad as grad_kernels
from fastconv.kernels.blocks import runs
from fastconv.kernels.correlate_single import correlate_single
from fastconv.layout import LANES
from fastconv.simd.block import Block
from fastconv.simd.blocking import (
    CORRELATE_ROWS,
    GRADIENT_COLS,
    GRADIENT_ROWS,
    GRADIENT_STRIP_BYTES,
    SINGLE_PIXEL_ROWS,
)


def pack_for(size: int, rows: Lines, cols: Lines) -> PackedWeight:
    """Memory for a weight of `size` values, in blocks that suit the pixels of these lines."""
    alone = rows.longest == cols.longest == 1
    return PackedWeight(size, SINGLE_PIXEL_ROWS if alone else CORRELATE_ROWS)


def correlate(builder: Builder, x: Tensor, y: Tensor, weight: PackedWeight, bias: Bias | None, rows: Lines,
              cols: Lines, size: tuple[int, int], *, groups: int, targets: int, sources: int) -> list[Call]:
    """Writes to y, of `groups` times `targets` channels, what the kernel makes of x, of `groups` times `sources`.

    size: the kernel's.
    """
    values = np.zeros(groups * targets, np.float32) if bias is None else bias.parameter.array
    calls, taps = [], neighbour_taps(cols) if targets == 1 else 0
    for run in runs(targets, weight.block_rows):
        if taps:
            kernel, block = correlate_single, Block(taps, neighbour_pixels(cols, taps))
        else:
            kernel, block = kernels.correlate, Block(run.size, tile_pixels(rows, cols, run.size))
        wide, narrow = tile_runs(rows, cols, x.place, y.place, block.cols)
        calls.append(builder.call(
            kernel, block, x=x.start, y=y.buffer, weight=Fixed(weight.array),
            bias=Fixed(values), wide=Fixed(wide), wide_runs=len(wide), narrow=Fixed(narrow), narrow_runs=len(narrow),
            groups=groups, targets=targets, sources=sources, start=run.start, blocks=run.blocks,
            kernel_height=size[0], kernel_width=size[1],
            kernel_row_step=rows.kernel_step, kernel_col_step=cols.kernel_step,
            source_row_step=rows.source_step, source_col_step=cols.source_step,
            x_row=x.place.row, x_plane=x.place.plane, y_plane=y.place.plane,
            channels_inner=channels_inner(sources, size[1]), lower=-np.inf))
    return calls


def correlate_grad(builder: Builder, x: Tensor, size: tuple[int, int], dy: Tensor, weight: Weight, window: Window,
                   taps_in_tile: bool) -> None:
    """Leaves in weight.partial what each group of images adds to the gradient.

    x, of `size`: the whole buffer, with a halo where it has one.  taps_in_tile: as in `kernels.correlate_grad`.
    """
    assert weight.partial is not None
    outputs = [seen_outputs(window, axis, size[axis], dy.place.size[axis]) for axis in (0, 1)]
    for cols in runs(weight.kernel_width if taps_in_tile else weight.sources, GRADIENT_COLS):
        for rows in runs(weight.targets, GRADIENT_ROWS[cols.size]):
            x_row = size[1] * window.stride[0] * (1 if taps_in_tile else cols.size)
            most = max(1, GRADIENT_STRIP_BYTES // (4 * LANES * (dy.place.width * rows.size + x_row)))
            builder.call(
                grad_kernels.correlate_grad, Block(rows.size, cols.size), x=x.buffer, dy=dy.buffer, dw=weight.partial,
                groups=weight.groups, targets=weight.targets, sources=weight.sources,
                target_start=rows.start, target_blocks=rows.blocks, col_start=cols.start, col_blocks=cols.blocks,
                col_step=window.dilation[1] if taps_in_tile else x.place.plane,
                rows=Fixed(outputs[0]), cols=Fixed(outputs[1]), height=dy.place.height,
                kernel_height=window.kernel[0], kernel_width=window.kernel[1],
                stride_height=window.stride[0], stride_width=window.stride[1],
                x_row=x.place.row, x_plane=x.place.plane, dy_row=dy.place.row, dy_plane=dy.place.plane,
                strip=runs(dy.place.height, most)[0].size, taps_in_tile=taps_in_tile)
