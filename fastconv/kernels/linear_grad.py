"""Weight gradient of a linear layer: the matrix product dyᵀ x over all images of a batch.

It is taken over the whole batch at once, in the order of the images, so it needs no partial sums
and its bits do not depend on the number of threads.
"""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, COUNT, argument, block_of, floats, integers, kernel, record
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd.native import native

ARGUMENTS = record(
    ("x", BUFFER), ("dy", BUFFER),  # [image, feature], as `pack.unpack_features` leaves them
    ("dw", BUFFER),  # [out_features, in_features]
    ("batch", BUFFER),
    ("x_row", np.int64), ("dy_row", np.int64), ("in_features", np.int64), ("out_features", np.int64),
    ("start", np.int64), ("tiles", np.int64),  # the rows of the weight that this block holds, in tiles
)


@native
def _product(block, op, x, dy, dw, images, row, feature):
    tile = tiles.zeros(block)
    for image in range(images):
        tile = tiles.fma_scalars_vectors(tile, dy, image * op.dy_row + row, x, image * op.x_row + feature, LANES)
    start = row * op.in_features + feature
    if feature + block.cols * LANES <= op.in_features:
        tiles.store_at_least(dw, start, op.in_features, LANES, tile, np.float32(-np.inf))
    else:
        tiles.store_first(dw, start, op.in_features, tile, op.in_features - feature)


@kernel(ARGUMENTS)
def linear_weight_grad(records, _index):
    """The gradient of one block of a weight's rows."""
    op, block = argument(records), block_of(records)
    x, dy, dw = floats(op.x, 0), floats(op.dy, 0), floats(op.dw, 0)
    images = integers(op.batch, 0)[COUNT]
    wide = op.in_features - op.in_features % (block.cols * LANES)
    for feature in range(0, wide, block.cols * LANES):
        for i in range(op.tiles):
            _product(block, op, x, dy, dw, images, op.start + i * block.rows, feature)
    for feature in range(wide, op.in_features, LANES):
        for i in range(op.tiles):
            _product(tiles.one_column(block), op, x, dy, dw, images, op.start + i * block.rows, feature)
