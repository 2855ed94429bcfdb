"""Convolution by a 3×3 kernel with fewer multiplications (Winograd; Lavin & Gray 2016, Algorithm 1).

An m × m tile of outputs sees n × n inputs, n = m + 2. Both are transformed (`simd.winograd`), and in between each of
the n² elements is a matrix product of its own over the source channels, of all target channels and a panel of tiles:

    panel[e, s, p] = (Bᵀ d B)[e]      products[e, t, p] = Σ_s weight[e, t, s] panel[e, s, p]      y = Aᵀ products A

One image per lane makes the transforms sums of whole vectors, for any place of the tile in the image. The panel and
the products of a few blocks of targets stay in the first or second level cache.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, kernel, offset, record
from fastconv.kernels.blocks import block_count, block_start
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd import vector, winograd
from fastconv.simd.native import native

ARGUMENTS = record(
    ("x", BUFFER), ("height", np.int64), ("width", np.int64), ("x_row", np.int64), ("x_plane", np.int64),
    ("y", BUFFER), ("out_height", np.int64), ("out_width", np.int64), ("y_row", np.int64), ("y_plane", np.int64),
    ("weight", BUFFER), ("bias", BUFFER),  # the weight packed by `pack_2x2` or `pack_4x4`
    ("groups", np.int64),  # of channels; the next two count the channels of one of them
    ("targets", np.int64), ("sources", np.int64),
    ("top", np.int64), ("left", np.int64),  # zeros above and to the left of x
    ("tiles", np.int64), ("tile_cols", np.int64),  # in all, and next to each other
    ("panel", BUFFER), ("panel_tiles", np.int64),
    ("products", BUFFER), ("some_blocks", np.int64),  # of so many blocks of targets at a time
    ("panel_step", np.int64), ("products_step", np.int64),  # vectors from one element to the next
    ("rows", BUFFER),  # scratch memory for a row of tiles
    ("lower", np.float32),
)


@native
def _transform_inputs(points, op, x, rows, tile_row, tile_col, count, panel):
    """Writes `count` neighbouring tiles of one channel to the panel.

    The columns of pixels are transformed first: two tiles share two of them.
    """
    size, outputs, step, x_row = points.rows, points.rows - 2, points.rows * LANES, op.x_row * LANES
    top, left, width = tile_row * outputs - op.top, tile_col * outputs - op.left, count * outputs + 2
    first_row, end_row = max(0, -top), min(size, op.height - top)
    first_col, end_col = max(0, -left), min(width, op.width - left)
    for w in range(width):
        source = top * x_row + (left + w) * LANES
        if w < first_col or w >= end_col:
            column = tiles.zeros(points)
        elif first_row == 0 and end_row == size:
            column = winograd.inputs(tiles.load(points, x, source, x_row))
        else:
            column = winograd.inputs(winograd.load_inside(points, x, source, x_row, first_row, end_row))
        tiles.store(rows, w * step, LANES, column)
    panel_step = op.panel_step * LANES
    for p in range(count):
        for i in range(size):
            row = winograd.inputs(tiles.load(points, rows, p * outputs * step + i * LANES, step))
            tiles.store(panel, i * size * panel_step + p * LANES, panel_step, row)


@native
def _multiply(block, sources, w, panel, products, row, first, end):
    """The products of whole tiles of the panel's columns, from `first` on; returns the first one left."""
    for p in range(first, end - block.cols + 1, block.cols):
        tile, w_start, place = tiles.zeros(block), 0, p * LANES
        for _ in range(sources):
            tile = tiles.fma_scalars_vectors(tile, w, w_start, panel, place, LANES)
            w_start += block.rows
            place += row
        tiles.store_rows(products, p * LANES, row, tile)
    return end - (end - first) % block.cols


@native
def _transform_outputs(points, op, products, bias, y, first, count):
    """Writes `count` tiles of one channel, from number `first` on."""
    outputs, y_row, step, lower = points.rows - 2, op.y_row * LANES, op.products_step * LANES, vector.splat(op.lower)
    for p in range(count):
        top, left = (first + p) // op.tile_cols * outputs, (first + p) % op.tile_cols * outputs
        tile = winograd.outputs(points, products, p * LANES, step, bias, lower)
        target, height, width = top * y_row + left * LANES, op.out_height - top, op.out_width - left
        if height >= outputs and width >= outputs:
            tiles.store_rows(y, target, y_row, tile)
        else:
            winograd.store_inside(y, target, y_row, tile, height, width)


@native
def _fill_panel(points, op, x, panel, rows, first, count):
    """Writes `count` tiles of all source channels, from number `first` on."""
    for s in range(op.sources):
        place = 0
        while place < count:
            tile_row, tile_col = (first + place) // op.tile_cols, (first + place) % op.tile_cols
            neighbours = min(op.tile_cols - tile_col, count - place)
            _transform_inputs(points, op, offset(x, s * op.x_plane * LANES), rows, tile_row, tile_col, neighbours,
                              offset(panel, (s * op.panel_tiles + place) * LANES))
            place += neighbours


@native
def _convolve(block, points, op, group):
    elements, row = points.rows * points.rows, op.panel_tiles * LANES
    w_element, blocks = op.sources * block.rows, block_count(op.targets, block.rows)
    panel, products, rows = floats(op.panel, group), floats(op.products, group), floats(op.rows, group)
    for channel_group in range(op.groups):
        x = offset(floats(op.x, group), channel_group * op.sources * op.x_plane * LANES)
        y = offset(floats(op.y, group), channel_group * op.targets * op.y_plane * LANES)
        weight = offset(floats(op.weight, 0), channel_group * blocks * elements * w_element)
        bias = offset(floats(op.bias, 0), channel_group * op.targets)
        for first in range(0, op.tiles, op.panel_tiles):
            count = min(op.panel_tiles, op.tiles - first)
            _fill_panel(points, op, x, panel, rows, first, count)
            for some in range(0, blocks, op.some_blocks):
                here = min(op.some_blocks, blocks - some)
                for e in range(elements):
                    v = offset(panel, e * op.panel_step * LANES)
                    for b in range(here):
                        w = offset(weight, ((some + b) * elements + e) * w_element)
                        results = offset(products, e * op.products_step * LANES + b * block.rows * row)
                        left = _multiply(block, op.sources, w, v, results, row, 0, count)
                        _multiply(tiles.one_column(block), op.sources, w, v, results, row, left, count)
                start = block_start(op.targets, block.rows, some)
                for b in range(here):
                    end = block_start(op.targets, block.rows, some + b + 1)
                    for t in range(start, end):
                        results = offset(products, (b * block.rows + t - start) * row)
                        _transform_outputs(points, op, results, vector.splat(bias[t]),
                                           offset(y, t * op.y_plane * LANES), first, count)
                    start = end


@kernel(ARGUMENTS)
def convolve_2x2(records, group):
    """y of one group of images by F(2×2, 3×3)."""
    _convolve(block_of(records), tiles.column(4), argument(records), group)


@kernel(ARGUMENTS)
def convolve_4x4(records, group):
    """y of one group of images by F(4×4, 3×3)."""
    _convolve(block_of(records), tiles.column(6), argument(records), group)


WEIGHT = record(
    ("weight", BUFFER), ("packed", BUFFER),  # of one group of channels
    ("targets", np.int64), ("sources", np.int64), ("block_rows", np.int64),
    ("block_start", np.int64), ("block_end", np.int64),  # blocks of targets to pack
    ("source_start", np.int64), ("source_end", np.int64),
    ("target_stride", np.int64), ("source_stride", np.int64),  # in `weight`, in floats
    ("first_tap", np.int64), ("tap_step", np.int64),
)


@native
def _pack(points, op):
    weight, packed = floats(op.weight, 0), floats(op.packed, 0)
    elements, step = points.rows * points.rows, op.sources * op.block_rows
    for block in range(op.block_start, op.block_end):
        start = block_start(op.targets, op.block_rows, block)
        rows = block_start(op.targets, op.block_rows, block + 1) - start
        for s in range(op.source_start, op.source_end):
            source = start * op.target_stride + s * op.source_stride + op.first_tap
            tile = winograd.weights(points, weight, source, op.tap_step, op.target_stride, rows)
            tiles.store_first(packed, block * elements * step + s * op.block_rows, step, tile, rows)


@kernel(WEIGHT)
def pack_2x2(records, _index):
    """Part of a weight, transformed for F(2×2, 3×3), as [block of targets, element, source, target]."""
    _pack(tiles.column(4), argument(records))


@kernel(WEIGHT)
def pack_4x4(records, _index):
    """Likewise for F(4×4, 3×3)."""
    _pack(tiles.column(6), argument(records))
