"""Correlation on register tiles: convolution, its input gradient, linear layers and their input gradients.

    y[t, h, w] = max(lower, bias[t] + Σ_s Σ_(kh, sh) ∈ rows[h] Σ_(kw, sw) ∈ cols[w] weight[t, s, kh, kw] x[s, sh, sw])

Pixels that see the same taps are computed together: a tile holds a few target channels at a few such pixels. Which
these are is worked out beforehand, as a list of runs of tiles, so the forward pass, the input gradient (any stride
and dilation) and the transposed convolution are one kernel, a linear layer is a correlation whose kernel covers its
whole input, and padding costs nothing: taps outside the image are in no run.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, integers, kernel, offset, record
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd.native import native

#: Tiles of pixels that follow each other at the same distance and see the same taps.
RUN = np.dtype([(name, np.int64) for name in (
    "kernel_row", "row_count", "kernel_col", "col_count",  # the taps: the first ones, and how many
    "x", "x_step",  # the source pixel of the first tap of the first target pixel, and the way to the next pixel's
    "y", "y_step",  # the first target pixel, and the way to the next
    "tiles",
)])
RUN_FIELDS = len(RUN.names or ())

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),
    ("weight", BUFFER),  # packed by `pack_weight`
    ("bias", BUFFER),
    ("wide", BUFFER), ("wide_runs", np.int64),  # RUN: of tiles of block.cols pixels
    ("narrow", BUFFER), ("narrow_runs", np.int64),  # RUN: of tiles of one pixel
    ("groups", np.int64),  # of channels; the next two count the channels of one of them
    ("targets", np.int64), ("sources", np.int64),
    ("start", np.int64), ("blocks", np.int64),  # the blocks of targets to compute, each as large as the tile
    ("kernel_height", np.int64), ("kernel_width", np.int64),
    # from one tap of a row or column to the next: kernel steps and source steps
    ("kernel_row_step", np.int64), ("kernel_col_step", np.int64),
    ("source_row_step", np.int64), ("source_col_step", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("y_plane", np.int64),
    ("channels_inner", np.int64),  # the innermost loop runs over source channels instead of kernel columns
    ("lower", np.float32),
)


@native
def weight_steps(op, rows):
    """From one source channel, kernel row and kernel column to the next in a weight packed in blocks of `rows`."""
    if op.channels_inner:
        return rows, op.kernel_width * op.sources * rows, op.sources * rows
    return op.kernel_height * op.kernel_width * rows, op.kernel_width * rows, rows


@native
def correlate_runs(block, op, w, bias, x, y, runs, run_count):
    """All tiles of the runs, for the `block.rows` target channels that w, bias and y start at."""
    w_channel, w_row, w_col = weight_steps(op, block.rows)
    x_channel = op.x_plane * LANES
    w_row_step, w_col_step = op.kernel_row_step * w_row, op.kernel_col_step * w_col
    x_row_step, x_col_step = op.source_row_step * op.x_row * LANES, op.source_col_step * LANES
    sources, y_plane, channels_inner, lower = op.sources, op.y_plane * LANES, op.channels_inner, op.lower
    for first in range(0, run_count * RUN_FIELDS, RUN_FIELDS):
        row_count, col_count = runs[first + 1], runs[first + 3]
        w_start = runs[first] * w_row + runs[first + 2] * w_col
        x_start, x_step = runs[first + 4] * LANES, runs[first + 5] * LANES
        y_start, y_step = runs[first + 6] * LANES, runs[first + 7] * LANES
        if channels_inner:
            outer, middle, inner = row_count, col_count, sources
            w_outer_step, w_middle_step, w_inner_step = w_row_step, w_col_step, w_channel
            x_outer_step, x_middle_step, x_inner_step = x_row_step, x_col_step, x_channel
        else:
            outer, middle, inner = sources, row_count, col_count
            w_outer_step, w_middle_step, w_inner_step = w_channel, w_row_step, w_col_step
            x_outer_step, x_middle_step, x_inner_step = x_channel, x_row_step, x_col_step
        for _ in range(runs[first + 8]):
            tile = tiles.from_scalars(block, bias, 0)
            w_outer, x_outer = w_start, x_start
            for _ in range(outer):
                w_middle, x_middle = w_outer, x_outer
                for _ in range(middle):
                    w_inner, x_inner = w_middle, x_middle
                    for _ in range(inner):
                        tile = tiles.fma_scalars_vectors(tile, w, w_inner, x, x_inner, x_step)
                        w_inner += w_inner_step
                        x_inner += x_inner_step
                    w_middle += w_middle_step
                    x_middle += x_middle_step
                w_outer += w_outer_step
                x_outer += x_outer_step
            tiles.store_at_least(y, y_start, y_plane, y_step, tile, lower)
            x_start += block.cols * x_step
            y_start += block.cols * y_step


@native
def of_target(op, group, target):
    """The weight, the bias and the output of a target channel and those after it."""
    taps = op.sources * op.kernel_height * op.kernel_width
    return (offset(floats(op.weight, 0), target * taps), offset(floats(op.bias, 0), target),
            offset(floats(op.y, group), target * op.y_plane * LANES))


@kernel(ARGUMENTS)
def correlate(records, group):
    """One group of images; see the module's formula."""
    op, block = argument(records), block_of(records)
    wide, narrow = integers(op.wide, 0), integers(op.narrow, 0)
    for channel_group in range(op.groups):
        x = offset(floats(op.x, group), channel_group * op.sources * op.x_plane * LANES)
        for index in range(op.blocks):
            w, bias, y = of_target(op, group, channel_group * op.targets + op.start + index * block.rows)
            correlate_runs(block, op, w, bias, x, y, wide, op.wide_runs)
            correlate_runs(tiles.one_column(block), op, w, bias, x, y, narrow, op.narrow_runs)
