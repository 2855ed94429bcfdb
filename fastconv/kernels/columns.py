"""Convolution by im2col: matrix products with the columns of an image.

    column[tap, pixel] = x[taps[tap] + pixels[pixel]]

is what each tap of the window sees at each output pixel. x has zeros around it instead of padding, so the two tables
of places say all there is to say about kernel size, stride and dilation. The whole matrix of columns would be kh · kw
times as large as x. So a product takes just the columns of its next tiles from the image, with the first tile that
reads them, and leaves them in a panel for the others, if there are any; it stays in the first or second level cache.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, integers, kernel, offset, record
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd import vector
from fastconv.simd.native import native

ARGUMENTS = record(
    ("x", BUFFER), ("x_plane", np.int64),  # with its zeros
    ("y", BUFFER), ("y_plane", np.int64),
    ("weight", BUFFER), ("bias", BUFFER),  # or, for the weight's gradient, that of each group of images
    ("taps", BUFFER), ("tap_count", np.int64),  # int64, in the order of the weight's: of all source channels of a group
    ("pixels", BUFFER), ("pixel_count", np.int64),  # int64
    ("panel", BUFFER),
    ("groups", np.int64),  # of channels; the next two count the channels of one of them
    ("targets", np.int64), ("sources", np.int64),
    ("start", np.int64), ("blocks", np.int64),  # the rows of the product to compute, in blocks as large as the tile
    ("col_start", np.int64), ("col_blocks", np.int64),  # of the weight's gradient: its taps likewise
    ("tap_step", np.int64), ("target_step", np.int64),  # of the input's gradient: the order of the packed weight
    ("strip", np.int64),  # of the weight's gradient: the pixels between two sums over the lanes
)

@native
def _multiply(block, op, x, y, w, bias, taps, pixels, panel, first, end):
    """Whole tiles of output pixels from `first` on, up to `end` at most; returns the first one left.

    The first block of targets reads the image and leaves the panel for the others: the copy costs no time of its own.
    """
    step, y_plane, lower, shares = block.cols * LANES, op.y_plane * LANES, np.float32(-np.inf), op.blocks > 1
    for p in range(first, end - block.cols + 1, block.cols):
        tile, w_start, place = tiles.from_scalars(block, bias, 0), 0, 0
        for k in range(op.tap_count):
            column = tiles.gathered(tiles.one_row(block), x, taps[k] * LANES, 0, pixels, p)
            if shares:
                tiles.store_rows(panel, place, 0, column)
            tile = tiles.fma_scalars_row(tile, w, w_start, column)
            w_start += block.rows
            place += step
        tiles.store_at_least(y, p * LANES, y_plane, LANES, tile, lower)
        for row in range(block.rows, op.blocks * block.rows, block.rows):
            tile, place = tiles.from_scalars(block, bias, row), 0
            for _ in range(op.tap_count):
                tile = tiles.fma_scalars_vectors(tile, w, w_start, panel, place, LANES)
                w_start += block.rows
                place += step
            tiles.store_at_least(y, row * y_plane + p * LANES, y_plane, LANES, tile, lower)
    return end - (end - first) % block.cols


@kernel(ARGUMENTS)
def multiply(records, group):
    """y = bias + weight · columns; weight packed as for `correlate`, one row after the other in blocks."""
    op, block = argument(records), block_of(records)
    taps, pixels, panel = integers(op.taps, 0), integers(op.pixels, 0), floats(op.panel, group)
    for channel_group in range(op.groups):
        x = offset(floats(op.x, group), channel_group * op.sources * op.x_plane * LANES)
        target = channel_group * op.targets + op.start
        y = offset(floats(op.y, group), target * op.y_plane * LANES)
        w, bias = offset(floats(op.weight, 0), target * op.tap_count), offset(floats(op.bias, 0), target)
        left = _multiply(block, op, x, y, w, bias, taps, pixels, panel, 0, op.pixel_count)
        _multiply(tiles.one_column(block), op, x, y, w, bias, taps, pixels, panel, left, op.pixel_count)


@native
def _multiply_grad(block, op, x, y, w, taps, pixels, first, end):
    """As `_multiply`, for one block of source channels."""
    x_plane, y_plane = op.x_plane * LANES, op.y_plane * LANES
    w_tap, w_target = op.tap_step * block.rows, op.target_step * block.rows
    for p in range(first, end - block.cols + 1, block.cols):
        for tap in range(op.tap_count):
            start, w_start, place = taps[tap] * LANES, tap * w_tap, p * LANES
            tile = tiles.gathered(block, x, start, x_plane, pixels, p)
            for _ in range(op.targets):
                tile = tiles.fma_scalars_vectors(tile, w, w_start, y, place, LANES)
                w_start += w_target
                place += y_plane
            tiles.scatter(x, start, x_plane, pixels, p, tile)
    return end - (end - first) % block.cols


@kernel(ARGUMENTS)
def multiply_grad(records, group):
    """x[s, taps[k] + pixels[p]] += Σ_t weight[t, s, k] · y[t, p]: each column's gradient, where its pixels came from.

    A tile holds source channels at one tap, so none of its cells is another's pixel, and it is added to x as it is.
    y is the gradient of the output, and taps are those of one source channel.
    """
    op, block = argument(records), block_of(records)
    taps, pixels, x = integers(op.taps, 0), integers(op.pixels, 0), floats(op.x, group)
    for channel_group in range(op.groups):
        y = offset(floats(op.y, group), channel_group * op.targets * op.y_plane * LANES)
        for index in range(op.blocks):
            source = channel_group * op.sources + op.start + index * block.rows
            w = offset(floats(op.weight, 0), source * op.tap_count * op.targets)
            dx = offset(x, source * op.x_plane * LANES)
            for i in range(0, block.rows * op.x_plane * LANES, LANES):
                vector.store(dx, i, vector.splat(np.float32(0.0)))
            left = _multiply_grad(block, op, dx, y, w, taps, pixels, 0, op.pixel_count)
            _multiply_grad(tiles.one_column(block), op, dx, y, w, taps, pixels, left, op.pixel_count)


@kernel(ARGUMENTS)
def multiply_weight_grad(records, group):
    """weight[t, k] = Σ_p y[t, p] · column[k, p] of one group of images; y is the gradient of the output."""
    op, block = argument(records), block_of(records)
    taps, pixels, panel = integers(op.taps, 0), integers(op.pixels, 0), floats(op.panel, group)
    cols, step, y_plane, shares = block.cols, block.cols * LANES, op.y_plane * LANES, op.blocks > 1
    for channel_group in range(op.groups):
        x = offset(floats(op.x, group), channel_group * op.sources * op.x_plane * LANES)
        target = channel_group * op.targets + op.start
        y, dw = offset(floats(op.y, group), target * y_plane), offset(floats(op.weight, group), target * op.tap_count)
        for first in range(0, op.pixel_count, op.strip):
            count = min(op.strip, op.pixel_count - first)
            for col in range(op.col_start, op.col_start + op.col_blocks * cols, cols):
                y_start, place, tile = first * LANES, 0, tiles.zeros(block)
                for p in range(first, first + count):
                    column = tiles.gathered(tiles.one_row(block), x, pixels[p] * LANES, 0, taps, col)
                    if shares:
                        tiles.store_rows(panel, place, 0, column)
                    tile = tiles.fma_vectors_row(tile, y, y_start, y_plane, column)
                    y_start += LANES
                    place += step
                tiles.add_lane_sums(dw, col, op.tap_count, tile, first > 0)
                for row in range(block.rows, op.blocks * block.rows, block.rows):
                    y_start, place, tile = row * y_plane + first * LANES, 0, tiles.zeros(block)
                    for _ in range(count):
                        tile = tiles.fma_vectors_vectors(tile, y, y_start, y_plane, panel, place, LANES)
                        y_start += LANES
                        place += step
                    tiles.add_lane_sums(dw, row * op.tap_count + col, op.tap_count, tile, first > 0)
