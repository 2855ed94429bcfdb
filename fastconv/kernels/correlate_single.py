"""Correlation to a single target channel: with no other channels to share what a tile reads, its pixels do.

A pixel sees through one tap what its neighbour sees through the next. So a tile of neighbours reads each vector of x
once for all taps of a kernel's row; or of a kernel's column, if they lie below each other.
"""

from __future__ import annotations

from fastconv.kernels.abi import argument, block_of, floats, integers, kernel, offset
from fastconv.kernels.correlate import ARGUMENTS, RUN_FIELDS, correlate_runs, of_target, weight_steps
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd.native import native


@native
def _correlate_neighbours(block, op, w, bias, x, y, run, lines, w_line, x_line, w_tap, x_tap):
    """A run of tiles of block.cols neighbours that share block.rows taps, of so many lines of the kernel."""
    w_channel = weight_steps(op, 1)[0]
    x_start, x_step, y_start, y_step = run[4] * LANES, run[5] * LANES, run[6] * LANES, run[7] * LANES
    if x_step != x_tap:  # the taps go the other way: from the last one on
        w = offset(w, (block.rows - 1) * w_tap)
        w_tap = -w_tap
        x_start += (block.rows - 1) * x_tap
    for _ in range(run[8]):
        tile = tiles.from_scalars(tiles.one_row(block), bias, 0)
        for source in range(op.sources):
            w_start, x_place = source * w_channel, x_start + source * op.x_plane * LANES
            for _ in range(lines):
                weights = tiles.splats(tiles.one_column(block), w, w_start, w_tap, 0)
                tile = tiles.fma_neighbours(tile, weights, x, x_place, x_step)
                w_start += w_line
                x_place += x_line
        tiles.store_at_least(y, y_start, 0, y_step, tile, op.lower)
        x_start += block.cols * x_step
        y_start += block.cols * y_step


@native
def _correlate_run(block, op, w, bias, x, y, run):
    _, w_row, w_col = weight_steps(op, 1)
    first = offset(w, run[0] * w_row + run[2] * w_col)
    w_row, w_col = op.kernel_row_step * w_row, op.kernel_col_step * w_col
    x_row, x_col = op.source_row_step * op.x_row * LANES, op.source_col_step * LANES
    x_step = abs(run[5]) * LANES
    if run[3] == block.rows and x_step == abs(x_col):
        _correlate_neighbours(block, op, first, bias, x, y, run, run[1], w_row, x_row, w_col, x_col)
    elif run[1] == block.rows and x_step == abs(x_row):
        _correlate_neighbours(block, op, first, bias, x, y, run, run[3], w_col, x_col, w_row, x_row)
    else:
        correlate_runs(tiles.one_row(block), op, w, bias, x, y, run, 1)


@kernel(ARGUMENTS)
def correlate_single(records, group):
    """`correlate` for groups of one target channel."""
    op, block = argument(records), block_of(records)
    wide, narrow = integers(op.wide, 0), integers(op.narrow, 0)
    for target in range(op.groups):
        x = offset(floats(op.x, group), target * op.sources * op.x_plane * LANES)
        w, bias, y = of_target(op, group, target)
        for first in range(0, op.wide_runs * RUN_FIELDS, RUN_FIELDS):
            _correlate_run(block, op, w, bias, x, y, offset(wide, first))
        correlate_runs(tiles.column(1), op, w, bias, x, y, narrow, op.narrow_runs)
