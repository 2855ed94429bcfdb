"""Correlation on register tiles: convolution, its input gradient, linear layers and their input gradients.

    y[t, h, w] = max(lower, bias[t] + Σ_s Σ_(kh, sh) ∈ rows[h] Σ_(kw, sw) ∈ cols[w] weight[t, s, kh, kw] x[s, sh, sw])

For every target row h (column w) the taps are an arithmetic progression of kernel rows kh with their source
rows sh. The forward pass, the input gradient (any stride and dilation) and the transposed convolution differ
only in these taps; a linear layer is a correlation whose kernel covers its whole input. Taps outside the image are not
in the list, so padding costs nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fastconv.kernels.abi import BUFFER, NATIVE, argument, block_of, floats, integers, kernel, offset, record
from fastconv.layout import LANES
from fastconv.simd import tile as tiles

#: One row (or column) of the target: the first tap, their number, and the first tap's source row (or column).
TAP = np.dtype([("kernel", np.int64), ("count", np.int64), ("source", np.int64)])

ARGUMENTS = record(
    ("x", BUFFER), ("y", BUFFER),
    ("weight", BUFFER),  # packed by `pack_weight`
    ("bias", BUFFER),
    ("rows", BUFFER), ("cols", BUFFER),  # TAP per target row and per target column
    ("groups", np.int64),  # of channels; the next two count the channels of one of them
    ("targets", np.int64), ("sources", np.int64),
    ("start", np.int64), ("blocks", np.int64),  # the blocks of targets to compute, each as large as the tile
    ("height", np.int64), ("width", np.int64),  # of the target
    ("kernel_height", np.int64), ("kernel_width", np.int64),
    # from one tap of a row or column to the next: kernel steps and source steps
    ("kernel_row_step", np.int64), ("kernel_col_step", np.int64),
    ("source_row_step", np.int64), ("source_col_step", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
    ("channels_inner", np.int64),  # the innermost loop runs over source channels instead of kernel columns
    ("lower", np.float32),
)


@njit(**NATIVE)
def _correlate_block(block, op, w, bias, x, y, rows, cols):
    """All pixels of the `block.rows` target channels that w, bias and y start at."""
    if op.channels_inner:
        w_channel, w_col = block.rows, op.sources * block.rows
        w_row = op.kernel_width * w_col
    else:
        w_col, w_row = block.rows, op.kernel_width * block.rows
        w_channel = op.kernel_height * w_row
    x_col, x_row, x_channel = LANES, op.x_row * LANES, op.x_plane * LANES
    w_row_step, w_col_step = op.kernel_row_step * w_row, op.kernel_col_step * w_col
    x_row_step, x_col_step = op.source_row_step * x_row, op.source_col_step * x_col
    sources, width, y_row, y_plane = op.sources, op.width, op.y_row * LANES, op.y_plane * LANES
    channels_inner, lower = op.channels_inner, op.lower
    for h in range(op.height):
        first_row, row_count = rows[3 * h], rows[3 * h + 1]
        w_h, x_h = first_row * w_row, rows[3 * h + 2] * x_row
        for v in range(width):
            col_count = cols[3 * v + 1]
            w_outer, x_outer = w_h + cols[3 * v] * w_col, x_h + cols[3 * v + 2] * x_col
            if channels_inner:
                outer, middle, inner = row_count, col_count, sources
                w_steps = w_row_step, w_col_step, w_channel
                x_steps = x_row_step, x_col_step, x_channel
            else:
                outer, middle, inner = sources, row_count, col_count
                w_steps = w_channel, w_row_step, w_col_step
                x_steps = x_channel, x_row_step, x_col_step
            tile = tiles.from_scalars(block, bias, 0)
            for _ in range(outer):
                w_middle, x_middle = w_outer, x_outer
                for _ in range(middle):
                    w_inner, x_inner = w_middle, x_middle
                    for _ in range(inner):
                        tile = tiles.fma_scalars_vectors(tile, w, w_inner, x, x_inner, 0)
                        w_inner += w_steps[2]
                        x_inner += x_steps[2]
                    w_middle += w_steps[1]
                    x_middle += x_steps[1]
                w_outer += w_steps[0]
                x_outer += x_steps[0]
            tiles.store_at_least(y, h * y_row + v * LANES, y_plane, 0, tile, lower)


@kernel(ARGUMENTS)
def correlate(records, group):
    """One group of images; see the module's formula."""
    op, block = argument(records, 0), block_of(records)
    rows, cols = integers(op.rows, 0), integers(op.cols, 0)
    taps = op.sources * op.kernel_height * op.kernel_width
    for channel_group in range(op.groups):
        x = offset(floats(op.x, group), channel_group * op.sources * op.x_plane * LANES)
        for index in range(op.blocks):
            target = channel_group * op.targets + op.start + index * block.rows
            w, bias = offset(floats(op.weight, 0), target * taps), offset(floats(op.bias, 0), target)
            y = offset(floats(op.y, group), target * op.y_plane * LANES)
            _correlate_block(block, op, w, bias, x, y, rows, cols)
