"""Weight and bias gradient of a convolution on register tiles.

    dw[t, s, kh, kw] = Σ_images Σ_(h, w) dy[t, h, w] · x[s, h·stride + kh·dilation - top, w·stride + kw·dilation - left]

Images are lanes, so a tile sums over pixels first and over its lanes once at the end. A tile holds the products of
a few target channels with a few source channels at one tap, or, where the source has one or two channels, with
a few neighbouring taps of one kernel row (the source then has a halo of zeros instead of padding).

dw is [target, source, tap] where the columns of a tile are taps, and [target, tap, source] where they are sources:
the sums of a row of a tile follow each other.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, integers, kernel, offset, record
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd import vector
from fastconv.simd.native import native

ARGUMENTS = record(
    ("x", BUFFER), ("dy", BUFFER), ("dw", BUFFER),
    ("rows", BUFFER), ("cols", BUFFER),  # `window.seen_outputs` of both axes
    ("groups", np.int64),  # of channels; the next two count the channels of one of them
    ("targets", np.int64), ("sources", np.int64),
    ("target_start", np.int64), ("target_blocks", np.int64),
    ("col_start", np.int64), ("col_blocks", np.int64),
    ("col_step", np.int64),  # pixels of x from one column of a tile to the next
    ("height", np.int64),  # of dy
    ("kernel_height", np.int64), ("kernel_width", np.int64), ("stride_height", np.int64), ("stride_width", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("dy_row", np.int64), ("dy_plane", np.int64),
    ("strip", np.int64),  # the rows of dy between two sums over the lanes
    ("taps_in_tile", np.int64),  # the columns of a tile are kernel columns instead of source channels
)


@native
def _products(block, x, x_start, x_row, x_step, x_col, dy, dy_start, dy_row, dy_plane, rows, cols):
    """The sums over rows x cols pixels in each lane."""
    tile = tiles.zeros(block)
    for h in range(rows):
        x_at, dy_at = x_start + h * x_row, dy_start + h * dy_row
        for _ in range(cols):
            tile = tiles.fma_vectors_vectors(tile, dy, dy_at, dy_plane, x, x_at, x_col)
            x_at += x_step
            dy_at += LANES
    return tile


@native
def _grad_strip(block, op, x, dy, dw, strip_start, strip_end):
    """Adds a strip of rows to the gradient of one group of channels.

    All that the innermost loops need lies in local variables: for what lies in `op`, a store to dw might change it.
    """
    rows, cols, taps_in_tile, sources, kernel_width = (
        integers(op.rows, 0), integers(op.cols, 0), op.taps_in_tile, op.sources, op.kernel_width)
    outer, inner = (sources, op.kernel_height) if taps_in_tile else (op.kernel_height, kernel_width)
    stride_height, stride_width, target_blocks = op.stride_height, op.stride_width, op.target_blocks
    x_row, x_plane, dy_row, dy_plane = op.x_row * LANES, op.x_plane * LANES, op.dy_row * LANES, op.dy_plane * LANES
    taps, x_col, keep = op.kernel_height * kernel_width, op.col_step * LANES, strip_start > 0
    first_target, first_col, col_blocks = op.target_start, op.col_start, op.col_blocks
    for t in range(first_target, first_target + target_blocks * block.rows, block.rows):
        for col in range(first_col, first_col + col_blocks * block.cols, block.cols):
            for i in range(outer):
                for j in range(inner):
                    s, kh, kw = (i, j, col) if taps_in_tile else (col, i, j)
                    h, h_end = max(strip_start, rows[3 * kh]), min(strip_end, rows[3 * kh + 1])
                    w, w_end = cols[3 * kw], cols[3 * kw + 1]
                    x_start = (s * x_plane + (h * stride_height + rows[3 * kh + 2]) * x_row
                               + (w * stride_width + cols[3 * kw + 2]) * LANES)
                    tile = _products(block, x, x_start, stride_height * x_row, stride_width * LANES, x_col,
                                     dy, t * dy_plane + h * dy_row + w * LANES, dy_row, dy_plane, h_end - h, w_end - w)
                    tap = kh * kernel_width + kw
                    start = s * taps + tap if taps_in_tile else tap * sources + s
                    tiles.add_lane_sums(dw, t * sources * taps + start, sources * taps, tile, keep)


@kernel(ARGUMENTS)
def correlate_grad(records, group):
    """dw of one group of images, for a run of tiles of one size."""
    op, block = argument(records), block_of(records)
    x, dy, dw = floats(op.x, group), floats(op.dy, group), floats(op.dw, group)
    for channel_group in range(op.groups):
        for strip_start in range(0, op.height, op.strip):
            _grad_strip(block, op, offset(x, channel_group * op.sources * op.x_plane * LANES),
                        offset(dy, channel_group * op.targets * op.dy_plane * LANES),
                        offset(dw, channel_group * op.targets * op.sources * op.kernel_height * op.kernel_width),
                        strip_start, min(op.height, strip_start + op.strip))


@kernel(record(("dy", BUFFER), ("db", BUFFER), ("channels", np.int64),
               ("height", np.int64), ("width", np.int64), ("row", np.int64), ("plane", np.int64)))
def bias_grad(records, group):
    """db[c] = the sum of dy[c] over the pixels and images of one group."""
    op = argument(records)
    dy, db = floats(op.dy, group), floats(op.db, group)
    zero = vector.splat(np.float32(0.0))
    for c in range(op.channels):
        even, odd = zero, zero  # two sums, so that an addition need not wait for the one before it
        for h in range(op.height):
            start = (c * op.plane + h * op.row) * LANES
            for w in range(0, op.width - 1, 2):
                even += vector.load(dy, start + w * LANES)
                odd += vector.load(dy, start + (w + 1) * LANES)
            if op.width % 2:
                even += vector.load(dy, start + (op.width - 1) * LANES)
        db[c] = vector.lane_sum(even + odd)
