"""Between NumPy arrays and the packed layout: images in, results out, and weights into the order kernels read."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import (
    BUFFER,
    COUNT,
    INDICES,
    RESULTS,
    argument,
    block_of,
    floats,
    integers,
    kernel,
    offset,
    pointer,
    record,
)
from fastconv.kernels.blocks import block_start
from fastconv.layout import LANES
from fastconv.simd import tile as tiles
from fastconv.simd.native import native
from fastconv.simd.rows import load_rows, rows_at, scaled
from fastconv.simd.vector import first_lanes, splat

#: The place of an activation in a group, as `layout.Packed`.
PLACE = (("channels", np.int64), ("height", np.int64), ("width", np.int64),
         ("row", np.int64), ("plane", np.int64), ("origin", np.int64))

PACK = record(
    ("scale", BUFFER), ("shift", BUFFER),  # per channel
    ("x", BUFFER),
    ("batch", BUFFER),
    ("slot", np.int64),  # where the batch table has the images' address
    *PLACE,
)


@native
def _pack(images, op, group):
    """Transposes 16 pixels of 16 images at a time; the last 16 of a run may repeat pixels of those before."""
    batch, scale, shift, x = integers(op.batch, 0), floats(op.scale, 0), floats(op.shift, 0), floats(op.x, group)
    first, last, pixels = group * LANES, batch[COUNT] - 1, op.height * op.width
    sources = rows_at(images, pointer(np.int64, batch[INDICES]), first, last, op.channels * pixels)
    lanes = first_lanes(last + 1 - first)
    runs, length = (1, pixels) if op.row == op.width else (op.height, op.width)
    for c in range(op.channels):
        factor, term = splat(scale[c]), splat(shift[c])
        for run in range(runs):
            source, target = c * pixels + run * length, (op.origin + c * op.plane + run * op.row) * LANES
            if length < LANES:
                _pack_short(images, op, group, source, target, length, scale[c], shift[c])
                continue
            for start in range(0, length, LANES):
                w = min(start, length - LANES)
                tile = tiles.transposed(load_rows(sources, source + w))
                tiles.store(x, target + w * LANES, LANES, scaled(tile, factor, term, lanes))


@native
def _pack_short(images, op, group, source, target, length, scale, shift):
    """A run of fewer than 16 pixels, from element `source` of each image to element `target` of x."""
    batch, x = integers(op.batch, 0), floats(op.x, group)
    indices, count, features = pointer(np.int64, batch[INDICES]), batch[COUNT], op.channels * op.height * op.width
    for lane in range(LANES):
        position = group * LANES + lane
        for w in range(length):
            value = np.float32(0.0)
            if position < count:
                value = np.float32(images[indices[position] * features + source + w]) * scale + shift
            x[target + w * LANES + lane] = value


@kernel(PACK)
def pack_uint8(records, group):
    """x = images[indices] * scale + shift for one group; lanes without an image are zero."""
    op = argument(records)
    _pack(pointer(np.uint8, integers(op.batch, 0)[op.slot]), op, group)


@kernel(PACK)
def pack_float32(records, group):
    """As `pack_uint8`, for float32 images."""
    op = argument(records)
    _pack(pointer(np.float32, integers(op.batch, 0)[op.slot]), op, group)


@native
def _unpack(block, op, x, y, y_image, count):
    """y[image, feature] = x for the first `count` lanes, with y_image floats from one image to the next.

    block: 16 rows; so many features are transposed in registers at a time.
    """
    feature = 0
    for c in range(op.channels):
        for h in range(op.height):
            source = (op.origin + c * op.plane + h * op.row) * LANES
            whole = op.width - op.width % LANES if count == LANES else 0
            for w in range(0, whole, LANES):
                tile = tiles.load(block, x, source + w * LANES, LANES)
                tiles.store(y, feature + w, y_image, tiles.transposed(tile))
            for lane in range(count):
                for w in range(whole, op.width):
                    y[lane * y_image + feature + w] = x[source + w * LANES + lane]
            feature += op.width


@kernel(record(("x", BUFFER), ("batch", BUFFER), *PLACE))
def unpack(records, group):
    """y[image, channel, height, width] = x, for the images of one group."""
    op, block = argument(records), block_of(records)
    batch, x = integers(op.batch, 0), floats(op.x, group)
    features = op.channels * op.height * op.width
    y = offset(pointer(np.float32, batch[RESULTS]), group * LANES * features)
    _unpack(block, op, x, y, features, min(LANES, batch[COUNT] - group * LANES))


@kernel(record(("x", BUFFER), ("y", BUFFER), ("batch", BUFFER), ("y_row", np.int64), *PLACE))
def unpack_features(records, group):
    """y[image, feature] = x, in rows of y_row floats; rows of empty lanes are zero.

    A linear layer's weight gradient is a matrix product over the images of the batch and reads this layout.
    """
    op, block = argument(records), block_of(records)
    x, y = floats(op.x, group), offset(floats(op.y, 0), group * LANES * op.y_row)
    count = min(LANES, integers(op.batch, 0)[COUNT] - group * LANES)
    _unpack(block, op, x, y, op.y_row, count)
    for lane in range(count, LANES):
        for feature in range(op.channels * op.height * op.width):
            y[lane * op.y_row + feature] = np.float32(0.0)


WEIGHT = record(
    ("weight", BUFFER), ("packed", BUFFER),  # of one group of channels
    ("targets", np.int64), ("sources", np.int64), ("kernel_height", np.int64), ("kernel_width", np.int64),
    ("block_rows", np.int64),  # the most targets in a block
    ("block_start", np.int64), ("block_end", np.int64),  # blocks of targets to pack
    ("source_start", np.int64), ("source_end", np.int64),
    ("target_stride", np.int64), ("source_stride", np.int64),  # in `weight`, in floats
    ("channels_inner", np.int64),
)


@native
def _pack_run(square, weight, source, target_stride, packed, place, step, length, rows):
    """packed[place + k · step + r] = weight[source + r · target_stride + k] for k < length and r < rows."""
    if length < LANES:
        for k in range(length):
            for r in range(rows):
                packed[place + k * step + r] = weight[source + r * target_stride + k]
        return
    for first in range(0, length, LANES):
        k = min(first, length - LANES)
        tile = tiles.load_first(square, weight, source + k, target_stride, rows)
        tiles.store_first(packed, place + k * step, step, tiles.transposed(tile), rows)


@native
def _pack_rows(square, weight, source, source_stride, packed, place, first, end, count, rows):
    """packed[place + s · rows + r] = weight[source + s · source_stride + r] for first <= s < end and r < rows.

    count: the values of the weight from source on.
    """
    for s in range(first, end):
        start, target = s * source_stride, place + s * rows
        if start + LANES <= count:
            tiles.store_first(packed, target, 0, tiles.load(tiles.one_row(square), weight, source + start, 0), rows)
        else:
            for r in range(rows):
                packed[target + r] = weight[source + start + r]


@kernel(WEIGHT)
def pack_weight(records, _index):
    """Part of a weight in the order in which `correlate` reads it.

    The taps of a block of targets follow each other, each with the weights of all the block's targets. They are ordered
    by (source, row, column), or by (row, column, source) where the innermost loop runs over the sources.
    """
    op, square = argument(records), tiles.square()
    weight, packed = floats(op.weight, 0), floats(op.packed, 0)
    taps, first, end = op.kernel_height * op.kernel_width, op.source_start, op.source_end
    source_step, tap_step = (1, op.sources) if op.channels_inner else (taps, 1)
    for block in range(op.block_start, op.block_end):
        start = block_start(op.targets, op.block_rows, block)
        rows = block_start(op.targets, op.block_rows, block + 1) - start
        source, place = start * op.target_stride, start * op.sources * taps
        if taps == 1 and op.target_stride == 1:
            count = op.sources * op.source_stride - source
            _pack_rows(square, weight, source, op.source_stride, packed, place, first, end, count, rows)
        elif taps == 1 and op.source_stride == 1:
            _pack_run(square, weight, source + first, op.target_stride, packed, place + first * rows, rows, end - first,
                      rows)
        else:
            for s in range(first, end):
                _pack_run(square, weight, source + s * op.source_stride, op.target_stride, packed,
                          place + s * source_step * rows, tap_step * rows, taps, rows)
