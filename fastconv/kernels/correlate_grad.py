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

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, kernel, offset, record
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd import vector
from fastconv.simd.native import native

ARGUMENTS = record(
    ("x", BUFFER), ("dy", BUFFER), ("dw", BUFFER),
    ("groups", np.int64),  # of channels; the next two count the channels of one of them
    ("targets", np.int64), ("sources", np.int64),
    ("target_start", np.int64), ("target_blocks", np.int64),
    ("col_start", np.int64), ("col_blocks", np.int64),
    ("height", np.int64), ("width", np.int64),  # of dy
    ("x_height", np.int64), ("x_width", np.int64),
    ("kernel_height", np.int64), ("kernel_width", np.int64),
    ("stride_height", np.int64), ("stride_width", np.int64),
    ("dilation_height", np.int64), ("dilation_width", np.int64),
    ("top", np.int64), ("left", np.int64),
    ("x_row", np.int64), ("x_plane", np.int64), ("dy_row", np.int64), ("dy_plane", np.int64),
    ("strip", np.int64),  # the rows of dy between two sums over the lanes
    ("taps_in_tile", np.int64),  # the columns of a tile are kernel columns instead of source channels
)


@native
def _first(padding, tap, stride):
    """The first output position whose tap is not in the padding in front."""
    return max(0, (padding - tap + stride - 1) // stride)


@native
def _end(size, out_size, padding, tap, stride):
    """One past the last output position whose tap is not in the padding behind."""
    return min(out_size, (size - 1 + padding - tap) // stride + 1)


@native
def _grad_tile(block, op, x, dy, dw, t, s, kh, kw, strip_start, strip_end):
    """Adds the sum over a strip of rows to block.rows x block.cols weights."""
    row_tap, col_tap = kh * op.dilation_height, kw * op.dilation_width
    row_start = max(strip_start, _first(op.top, row_tap, op.stride_height))
    row_end = min(strip_end, _end(op.x_height, op.height, op.top, row_tap, op.stride_height))
    col_start = _first(op.left, col_tap, op.stride_width)
    col_end = _end(op.x_width, op.width, op.left, col_tap, op.stride_width)
    x_step, dy_plane = op.stride_width * LANES, op.dy_plane * LANES
    x_col = op.dilation_width * LANES if op.taps_in_tile else op.x_plane * LANES
    taps = op.kernel_height * op.kernel_width
    tile = tiles.zeros(block)
    for h in range(row_start, row_end):
        dy_start = (t * op.dy_plane + h * op.dy_row + col_start) * LANES
        x_start = (s * op.x_plane + (h * op.stride_height + row_tap - op.top) * op.x_row
                   + col_start * op.stride_width + col_tap - op.left) * LANES
        for _ in range(col_end - col_start):
            tile = tiles.fma_vectors_vectors(tile, dy, dy_start, dy_plane, x, x_start, x_col)
            dy_start += LANES
            x_start += x_step
    tap = kh * op.kernel_width + kw
    start = s * taps + tap if op.taps_in_tile else tap * op.sources + s
    tiles.add_lane_sums(dw, t * op.sources * taps + start, op.sources * taps, tile, strip_start > 0)


@native
def _grad_strip(block, op, x, dy, dw, strip_start, strip_end):
    """Adds a strip of rows to the gradient of one group of channels."""
    if op.taps_in_tile:
        outer, inner = op.sources, op.kernel_height
    else:
        outer, inner = op.kernel_height, op.kernel_width
    for target_block in range(op.target_blocks):
        t = op.target_start + target_block * block.rows
        for col_block in range(op.col_blocks):
            col = op.col_start + col_block * block.cols
            for i in range(outer):
                for j in range(inner):
                    s, kh, kw = (i, j, col) if op.taps_in_tile else (col, i, j)
                    _grad_tile(block, op, x, dy, dw, t, s, kh, kw, strip_start, strip_end)


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
