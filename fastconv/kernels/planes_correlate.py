"""Convolution and linear layers of one image by itself.

    y[o, p] = max(lower, bias[o] + Σ_(i, tap) weight[o, i, tap] x[i, p + offset[tap]])    for every place p of a plane

A convolution's tile holds a few output channels (rows) at a few vectors of 16 neighbouring pixels (cols), as that of
`correlate` does at a few pixels of 16 images. A linear layer's vectors hold 16 outputs; its weights are read once.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, block_of, floats, integers, kernel, offset, record, shorts
from fastconv.kernels.planes import SEEN
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd import vector
from fastconv.simd.native import native

CORRELATE = record(
    ("x", BUFFER), ("y", BUFFER),
    ("weight", BUFFER),  # packed by `pack_weight`
    ("bias", BUFFER),
    *SEEN,
    ("groups", np.int64),  # of channels; the next two count the channels of one of them
    ("targets", np.int64), ("sources", np.int64),
    ("start", np.int64), ("blocks", np.int64),  # the blocks of targets to compute, each as large as the tile
    ("x_plane", np.int64), ("y_plane", np.int64),
    ("channels_inner", np.int64),  # the weights of a tap follow each other, not those of a source channel
    ("lower", np.float32),
)


@native
def _correlate_tiles(block, op, w, bias, x, y, first, end):
    """The tiles from vector `first` to `end`, for the `block.rows` target channels that w, bias and y start at."""
    sources, taps, x_plane, y_plane, lower, vectors = op.sources, op.taps, op.x_plane, op.y_plane, op.lower, op.vectors
    offsets, masks = integers(op.offsets, 0), shorts(op.masks, 0)
    for vector_index in range(first, end, block.cols):
        tile, w_at, place = tiles.from_scalars(block, bias, 0), 0, vector_index * LANES
        if op.channels_inner:
            for tap in range(taps):
                x_at, inside = place + offsets[tap], tiles.load_masks(block, masks, tap * vectors + vector_index)
                for _ in range(sources):
                    tile = tiles.fma_scalars_seen(tile, w, w_at, x, x_at, inside)
                    w_at += block.rows
                    x_at += x_plane
        else:
            for source in range(sources):
                x_at = place + source * x_plane
                for tap in range(taps):
                    inside = tiles.load_masks(block, masks, tap * vectors + vector_index)
                    tile = tiles.fma_scalars_seen(tile, w, w_at, x, x_at + offsets[tap], inside)
                    w_at += block.rows
        tiles.store_at_least(y, place, y_plane, LANES, tile, lower)


@kernel(CORRELATE)
def correlate(records, index):
    """See the module's formula; the tiles that the vectors of a plane do not fill are one vector wide."""
    op, block = argument(records), block_of(records)
    whole = op.vectors - op.vectors % block.cols
    for group in range(op.groups):
        x = offset(floats(op.x, index), group * op.sources * op.x_plane)
        for number in range(op.blocks):
            target = group * op.targets + op.start + number * block.rows
            w, bias = offset(floats(op.weight, 0), target * op.sources * op.taps), offset(floats(op.bias, 0), target)
            y = offset(floats(op.y, index), target * op.y_plane)
            _correlate_tiles(block, op, w, bias, x, y, 0, whole)
            _correlate_tiles(tiles.one_column(block), op, w, bias, x, y, whole, op.vectors)


DEPTHWISE = record(
    ("x", BUFFER), ("y", BUFFER), ("weight", BUFFER), ("bias", BUFFER), *SEEN,
    ("channels", np.int64), ("x_plane", np.int64), ("y_plane", np.int64),
    ("lower", np.float32),
)


@kernel(DEPTHWISE)
def depthwise(records, index):
    """As `correlate`, each channel with a window of its own, as large as the tile, whose weights stay in registers."""
    op, window = argument(records), block_of(records)
    x, y, weight, bias = floats(op.x, index), floats(op.y, index), floats(op.weight, 0), floats(op.bias, 0)
    offsets, masks, vectors, lower = integers(op.offsets, 0), shorts(op.masks, 0), op.vectors, op.lower
    for c in range(op.channels):
        weights = tiles.splats(window, weight, c * window.rows * window.cols, window.cols, 1)
        start = vector.splat(bias[c])
        for v in range(vectors):
            value = tiles.dot_seen(weights, x, c * op.x_plane + v * LANES, offsets, masks, v, vectors, start)
            vector.store(y, c * op.y_plane + v * LANES, vector.at_least(value, lower))


LINEAR = record(
    ("x", BUFFER), ("y", BUFFER),
    ("weight", BUFFER),  # packed by `pack_weight`, of single taps
    ("bias", BUFFER),
    ("channels", np.int64), ("height", np.int64), ("width", np.int64), ("row", np.int64), ("plane", np.int64),  # of x
    ("start", np.int64), ("blocks", np.int64), ("size", np.int64),  # of up to 16 outputs: the vectors to compute
    ("lower", np.float32),
)


@native
def _products(block, op, x, w, distance):
    """Σ over all features of x times a vector for each column."""
    tile, w_at = tiles.zeros(block), 0
    for c in range(op.channels):
        for h in range(op.height):
            start = c * op.plane + h * op.row
            for x_at in range(start, start + op.width):
                tile = tiles.fma_scalars_vectors(tile, x, x_at, w, w_at, distance)
                w_at += op.size
    return tile


@native
def _linear_tiles(block, op, x, weight, bias, y, first, end):
    """The tiles from block `first` to `end`."""
    features = op.channels * op.height * op.width
    for number in range(first, end, block.cols):
        target = op.start + number * op.size
        tile = _products(block, op, x, offset(weight, target * features), op.size * features)
        tiles.store_at_least(y, target, 0, op.size, tile, -np.float32(np.inf))
        behind = target + block.cols * op.size
        for o in range(target, behind, LANES):
            vector.store(y, o, vector.at_least(vector.load(y, o) + vector.load_first(bias, o, behind - o), op.lower))


@kernel(LINEAR)
def linear(records, index):
    """y = max(lower, weight x + bias); the weights are those of x's features in the order (c, h, w)."""
    op, block = argument(records), block_of(records)
    x, y, weight, bias = floats(op.x, index), floats(op.y, index), floats(op.weight, 0), floats(op.bias, 0)
    whole = op.blocks - op.blocks % block.cols
    _linear_tiles(block, op, x, weight, bias, y, 0, whole)
    _linear_tiles(tiles.one_column(block), op, x, weight, bias, y, whole, op.blocks)
