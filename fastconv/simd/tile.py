"""Register tiles: rows x cols vectors of 16 lanes that stay in registers while a kernel accumulates.

A `Tile` is a Numba value whose LLVM form is an array of vectors; LLVM splits it into registers. Its rows and
cols are part of its Numba *type*, taken from a `Block` (see `simd.block`) that rides on the type of a kernel's
argument, so one kernel serves every tile size.
"""

from __future__ import annotations

import itertools

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastconv.layout import LANES
from fastconv.simd import ir_tools
from fastconv.simd.block import SQUARE, BlockType, MasksType, TileType
from fastconv.simd.ir_tools import FLOATS, I64, MASK, ZEROS
from fastconv.simd.vector import floats

#: Multiply-adds that wait for each other: a processor looks far enough ahead to overlap so many of several pixels.
LONGEST_CHAIN = 12


@intrinsic
def one_column(_typing, block):
    """The block with a single column."""
    return BlockType(block.rows, 1)(block), _nothing


@intrinsic
def square(_typing):
    """SQUARE, for kernels that are compiled for any block."""
    return BlockType(SQUARE.rows, SQUARE.cols)(), _nothing


@intrinsic
def one_row(_typing, block):
    """The block with a single row."""
    return BlockType(1, block.cols)(block), _nothing


@intrinsic(prefer_literal=True)
def column(_typing, rows):
    """A block of one column with as many rows as the literal number says."""
    return BlockType(rows.literal_value, 1)(rows), _nothing


def _nothing(context, _builder, _signature, _args):
    return context.get_dummy_value()


def _tile_of(block):
    return TileType(block.rows, block.cols)


def _cells(tile):
    return [(r, c, r * tile.cols + c) for r in range(tile.rows) for c in range(tile.cols)]


def _empty(tile):
    return ir.Constant(ir.ArrayType(FLOATS, tile.rows * tile.cols), ir.Undefined)


def _scaled(builder, stride, index):
    return builder.mul(stride, ir.Constant(stride.type, index))


@intrinsic
def zeros(_typing, block):
    """A tile of zeros."""
    tile = _tile_of(block)

    def codegen(_context, _builder, _signature, _args):
        return ir.Constant(ir.ArrayType(FLOATS, tile.rows * tile.cols), [ZEROS] * (tile.rows * tile.cols))

    return tile(block), codegen


@intrinsic
def from_scalars(_typing, block, values, start):
    """tile[r, c, :] = values[start + r]"""
    tile = _tile_of(block)

    def codegen(_context, builder, _signature, args):
        _, values, start = args
        first = builder.gep(values, [start])
        out = _empty(tile)
        for r in range(tile.rows):
            scalar = builder.load(builder.gep(first, [ir.Constant(start.type, r)]))
            vector = ir_tools.splat(builder, scalar, FLOATS)
            for c in range(tile.cols):
                out = builder.insert_value(out, vector, r * tile.cols + c)
        return out

    return tile(block, values, types.intp), codegen


@intrinsic
def splats(_typing, block, values, start, row_stride, col_stride):
    """tile[r, c, :] = values[start + r * row_stride + c * col_stride]"""
    tile = _tile_of(block)

    def codegen(_context, builder, _signature, args):
        _, values, start, row_stride, col_stride = args
        out = _empty(tile)
        for k, place in enumerate(_grid(builder, tile, values, start, row_stride, col_stride)):
            out = builder.insert_value(out, ir_tools.splat(builder, builder.load(place), FLOATS), k)
        return out

    return tile(block, values, types.intp, types.intp, types.intp), codegen


@intrinsic
def dot(_typing, tile, x, start, row_stride, col_stride, total):
    """total + Σ tile[r, c, :] * x[start + r * row_stride + c * col_stride : + 16], in a fixed order.

    So many sums grow side by side that they need not wait for each other.
    """

    def codegen(_context, builder, _signature, args):
        value, x, start, row_stride, col_stride, total = args
        places = _grid(builder, tile, x, start, row_stride, col_stride)
        return _dot(builder, tile, value, (ir_tools.load(builder, place, FLOATS) for place in places), total)

    return floats(tile, x, types.intp, types.intp, types.intp, floats), codegen


@intrinsic
def dot_seen(_typing, tile, x, start, offsets, masks, mask_start, mask_stride, total):
    """total + Σ_k tile[k, :] * x[start + offsets[k] : + 16] where masks[mask_start + k * mask_stride] says so.

    k counts the tile's vectors, row after row.
    """

    def codegen(_context, builder, _signature, args):
        value, x, start, offsets, masks, mask_start, mask_stride, total = args
        x, masks, vectors = builder.gep(x, [start]), builder.gep(masks, [mask_start]), []
        for k in range(tile.rows * tile.cols):
            offset = builder.load(builder.gep(offsets, [ir.Constant(I64, k)]))
            vector = ir_tools.load(builder, builder.gep(x, [offset]), FLOATS)
            inside = ir_tools.load_mask(builder, builder.gep(masks, [_scaled(builder, mask_stride, k)]))
            vectors.append(builder.select(inside, vector, ZEROS))
        return _dot(builder, tile, value, vectors, total)

    return floats(tile, x, types.intp, offsets, masks, types.intp, types.intp, floats), codegen


def _dot(builder, tile, value, vectors, total):
    """total + the sum of the tile's vectors times others."""
    chains = 1 + tile.rows * tile.cols // LONGEST_CHAIN
    sums = [total] + [ZEROS] * (chains - 1)
    for k, vector in enumerate(vectors):
        sums[k % chains] = ir_tools.fma(builder, builder.extract_value(value, k), vector, sums[k % chains])
    while len(sums) > 1:
        sums = [*sums[2:], builder.fadd(sums[0], sums[1])]
    return sums[0]


@intrinsic
def fma_vector_window(_typing, tile, value, x, start, row_stride, col_stride):
    """tile[r, c, :] += value * x[start + r * row_stride + c * col_stride : + 16]"""

    def codegen(_context, builder, _signature, args):
        out, value, x, start, row_stride, col_stride = args
        for k, place in enumerate(_grid(builder, tile, x, start, row_stride, col_stride)):
            vector = ir_tools.load(builder, place, FLOATS)
            out = builder.insert_value(out, ir_tools.fma(builder, value, vector, builder.extract_value(out, k)), k)
        return out

    return tile(tile, floats, x, types.intp, types.intp, types.intp), codegen


@intrinsic
def fma_neighbours(_typing, tile, weights, x, start, step):
    """tile[0, c, :] += Σ_k weights[k, 0, :] * x[start + (c + k) * step : + 16], where each vector of x is read once."""

    def codegen(_context, builder, _signature, args):
        out, weights, x, start, step = args
        places = _grid(builder, TileType(1, tile.cols + weights_type.rows - 1), x, start, step, step)
        for i, place in enumerate(places):
            vector = ir_tools.load(builder, place, FLOATS)
            for k in range(max(0, i - tile.cols + 1), min(weights_type.rows, i + 1)):
                total = ir_tools.fma(builder, builder.extract_value(weights, k), vector,
                                     builder.extract_value(out, i - k))
                out = builder.insert_value(out, total, i - k)
        return out

    weights_type = weights
    return tile(tile, weights, x, types.intp, types.intp), codegen


def _grid(builder, tile, x, start, row_stride, col_stride):
    """Pointers to x[start + r * row_stride + c * col_stride], row after row."""
    rows = [builder.gep(x, [builder.add(start, _scaled(builder, row_stride, r))]) for r in range(tile.rows)]
    return [builder.gep(row, [_scaled(builder, col_stride, c)]) for row in rows for c in range(tile.cols)]


def _vectors(builder, x, stride, count):
    """x[c * stride : + 16] for c < count."""
    return [ir_tools.load(builder, builder.gep(x, [_scaled(builder, stride, c)]), FLOATS) for c in range(count)]


def _fma_rows(builder, tile, out, rows, vectors):
    """out[r, c] += rows[r] * vectors[c]; rows is a generator, so that each is loaded just before it is used."""
    for r, row in enumerate(rows):
        for c, vector in enumerate(vectors):
            k = r * tile.cols + c
            out = builder.insert_value(out, ir_tools.fma(builder, row, vector, builder.extract_value(out, k)), k)
    return out


def _fma_scalars(builder, tile, out, w, vectors):
    """out[r, c] += w[r] * vectors[c]"""
    scalars = (builder.load(builder.gep(w, [ir.Constant(I64, r)])) for r in range(tile.rows))
    return _fma_rows(builder, tile, out, (ir_tools.splat(builder, scalar, FLOATS) for scalar in scalars), vectors)


def _fma_vectors(builder, tile, out, a, stride, vectors):
    """out[r, c] += a[r * stride : + 16] * vectors[c]"""
    rows = (ir_tools.load(builder, builder.gep(a, [_scaled(builder, stride, r)]), FLOATS) for r in range(tile.rows))
    return _fma_rows(builder, tile, out, rows, vectors)


@intrinsic
def fma_scalars_vectors(_typing, tile, w, w_start, x, x_start, x_stride):
    """tile[r, c, :] += w[w_start + r] * x[x_start + c * x_stride : + 16]"""

    def codegen(_context, builder, _signature, args):
        out, w, w_start, x, x_start, x_stride = args
        vectors = _vectors(builder, builder.gep(x, [x_start]), x_stride, tile.cols)
        return _fma_scalars(builder, tile, out, builder.gep(w, [w_start]), vectors)

    return tile(tile, w, types.intp, x, types.intp, types.intp), codegen


@intrinsic
def load_masks(_typing, block, masks, start):
    """masks[start : + cols], the masks of a tile's columns."""
    row = MasksType(1, block.cols)

    def codegen(_context, builder, _signature, args):
        _, masks, start = args
        first, out = builder.gep(masks, [start]), ir.Constant(ir.ArrayType(MASK, block.cols), ir.Undefined)
        for c in range(block.cols):
            mask = ir_tools.load_mask(builder, builder.gep(first, [ir.Constant(I64, c)]))
            out = builder.insert_value(out, mask, c)
        return out

    return row(block, masks, types.intp), codegen


@intrinsic
def fma_scalars_seen(_typing, tile, w, w_start, x, x_start, masks):
    """tile[r, c, :] += w[w_start + r] * x[x_start + c * 16 : + 16] in the lanes of masks[c]"""

    def codegen(_context, builder, _signature, args):
        out, w, w_start, x, x_start, masks = args
        vectors = _vectors(builder, builder.gep(x, [x_start]), ir.Constant(I64, LANES), tile.cols)
        seen = [builder.select(builder.extract_value(masks, c), vector, ZEROS) for c, vector in enumerate(vectors)]
        return _fma_scalars(builder, tile, out, builder.gep(w, [w_start]), seen)

    return tile(tile, w, types.intp, x, types.intp, masks), codegen


@intrinsic
def gathered(_typing, block, x, start, row_stride, cols, col_start):
    """tile[r, c, :] = x[start + r * row_stride + cols[col_start + c] * 16 : + 16]"""
    tile = _tile_of(block)

    def codegen(_context, builder, _signature, args):
        _, x, start, row_stride, cols, col_start = args
        places, out = _cell_places(builder, tile, x, start, row_stride, cols, col_start), _empty(tile)
        for k, place in enumerate(places):
            out = builder.insert_value(out, ir_tools.load(builder, place, FLOATS), k)
        return out

    return tile(block, x, types.intp, types.intp, cols, types.intp), codegen


@intrinsic
def scatter(_typing, y, start, row_stride, cols, col_start, tile):
    """y[start + r * row_stride + cols[col_start + c] * 16 : + 16] = tile[r, c, :]"""

    def codegen(context, builder, _signature, args):
        y, start, row_stride, cols, col_start, value = args
        for k, place in enumerate(_cell_places(builder, tile, y, start, row_stride, cols, col_start)):
            ir_tools.store(builder, builder.extract_value(value, k), place)
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, cols, types.intp, tile), codegen


def _cell_places(builder, tile, x, start, row_stride, cols, col_start):
    """Pointers to x[start + r * row_stride + cols[col_start + c] * 16], row after row."""
    x, cols = builder.gep(x, [start]), builder.gep(cols, [col_start])
    columns = [_scaled(builder, builder.load(builder.gep(cols, [ir.Constant(I64, c)])), LANES)
               for c in range(tile.cols)]
    rows = [builder.gep(x, [_scaled(builder, row_stride, r)]) for r in range(tile.rows)]
    return [builder.gep(row, [column]) for row in rows for column in columns]


@intrinsic
def fma_scalars_row(_typing, tile, w, w_start, row):
    """tile[r, c, :] += w[w_start + r] * row[0, c, :]"""

    def codegen(_context, builder, _signature, args):
        out, w, w_start, row = args
        return _fma_scalars(builder, tile, out, builder.gep(w, [w_start]),
                            [builder.extract_value(row, c) for c in range(tile.cols)])

    return tile(tile, w, types.intp, row), codegen


@intrinsic
def fma_vectors_row(_typing, tile, a, a_start, a_stride, row):
    """tile[r, c, :] += a[a_start + r * a_stride : + 16] * row[0, c, :]"""

    def codegen(_context, builder, _signature, args):
        out, a, a_start, a_stride, row = args
        return _fma_vectors(builder, tile, out, builder.gep(a, [a_start]), a_stride,
                            [builder.extract_value(row, c) for c in range(tile.cols)])

    return tile(tile, a, types.intp, types.intp, row), codegen


@intrinsic
def fma_vectors_vectors(_typing, tile, a, a_start, a_stride,
                        x, x_start, x_stride):
    """tile[r, c, :] += a[a_start + r * a_stride : + 16] * x[x_start + c * x_stride : + 16]"""

    def codegen(_context, builder, _signature, args):
        out, a, a_start, a_stride, x, x_start, x_stride = args
        vectors = _vectors(builder, builder.gep(x, [x_start]), x_stride, tile.cols)
        return _fma_vectors(builder, tile, out, builder.gep(a, [a_start]), a_stride, vectors)

    return tile(tile, a, types.intp, types.intp, x, types.intp, types.intp), codegen


@intrinsic
def load(_typing, block, x, start, row_stride):
    """tile[r, 0, :] = x[start + r * row_stride : + 16]"""
    tile = _tile_of(block)

    def codegen(_context, builder, _signature, args):
        _, x, start, row_stride = args
        x, out = builder.gep(x, [start]), _empty(tile)
        for r in range(tile.rows):
            row = builder.gep(x, [_scaled(builder, row_stride, r)])
            out = builder.insert_value(out, ir_tools.load(builder, row, FLOATS), r)
        return out

    return tile(block, x, types.intp, types.intp), codegen


@intrinsic
def load_first(_typing, block, x, start, row_stride, count):
    """tile[r, 0, :] = x[start + r * row_stride : + 16] for r < count; the rows from there on are the last of those."""
    tile = _tile_of(block)

    def codegen(_context, builder, _signature, args):
        _, x, start, row_stride, count = args
        x, out, last = builder.gep(x, [start]), _empty(tile), builder.sub(count, ir.Constant(count.type, 1))
        for r in range(tile.rows):
            index = ir.Constant(count.type, r)
            row = builder.select(builder.icmp_signed("<", index, count), index, last)
            place = builder.gep(x, [builder.mul(row_stride, row)])
            out = builder.insert_value(out, ir_tools.load(builder, place, FLOATS), r)
        return out

    return tile(block, x, types.intp, types.intp, types.intp), codegen


@intrinsic
def transposed(_typing, tile):
    """A tile of 16 rows with its rows and lanes swapped."""

    def codegen(_context, builder, _signature, args):
        out = _empty(tile)
        rows = ir_tools.transpose(builder, [builder.extract_value(args[0], r) for r in range(LANES)])
        for r, row in enumerate(rows):
            out = builder.insert_value(out, row, r)
        return out

    return tile(tile), codegen


@intrinsic
def store(_typing, y, start, row_stride, tile):
    """y[start + r * row_stride : + 16] = tile[r, 0, :]"""

    def codegen(context, builder, _signature, args):
        y, start, row_stride, value = args
        y = builder.gep(y, [start])
        for r in range(tile.rows):
            target = builder.gep(y, [_scaled(builder, row_stride, r)])
            ir_tools.store(builder, builder.extract_value(value, r), target)
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, tile), codegen


@intrinsic
def store_rows(_typing, y, start, row_stride, tile):
    """y[start + r * row_stride + c * 16 : + 16] = tile[r, c, :]"""

    def codegen(context, builder, _signature, args):
        y, start, row_stride, value = args
        col_stride = ir.Constant(I64, LANES)
        for k, place in enumerate(_grid(builder, tile, y, start, row_stride, col_stride)):
            ir_tools.store(builder, builder.extract_value(value, k), place)
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, tile), codegen


@intrinsic
def store_at_least(_typing, y, start, row_stride, col_stride, tile, lower):
    """y[start + r * row_stride + c * col_stride : + 16] = max(tile[r, c, :], lower); NaN stays NaN.

    With lower = 0 this is ReLU, with lower = -inf a plain store.
    """

    def codegen(context, builder, _signature, args):
        y, start, row_stride, col_stride, value, lower = args
        y = builder.gep(y, [start])
        lower = ir_tools.splat(builder, lower, FLOATS)
        for r, c, k in _cells(tile):
            vector = builder.extract_value(value, k)
            vector = builder.select(builder.fcmp_ordered("<", vector, lower), lower, vector)
            offset = builder.add(_scaled(builder, row_stride, r), _scaled(builder, col_stride, c))
            ir_tools.store(builder, vector, builder.gep(y, [offset]))
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, types.intp, tile, types.float32), codegen


@intrinsic
def store_first(_typing, y, start, row_stride, tile, count):
    """y[start + r * row_stride : + count] = the first `count` lanes of tile[r, 0, :]"""

    def codegen(context, builder, _signature, args):
        y, start, row_stride, value, count = args
        y = builder.gep(y, [start])
        for r in range(tile.rows):
            target = builder.gep(y, [_scaled(builder, row_stride, r)])
            ir_tools.store_first(builder, builder.extract_value(value, r * tile.cols), target, count)
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, tile, types.intp), codegen


@intrinsic
def add_lane_sums(_typing, g, start, row_stride, tile, keep):
    """g[start + r * row_stride + c] = the sum of tile[r, c, :], plus what stood there if `keep`."""
    slot = 1 << (tile.cols - 1).bit_length()  # a row's sums begin at a multiple of it
    rows_at_once = LANES // slot

    def codegen(context, builder, _signature, args):
        g, start, row_stride, value, keep = args
        g = builder.gep(g, [start])
        for first in range(0, tile.rows, rows_at_once):
            rows = range(first, min(tile.rows, first + rows_at_once))
            vectors = [None] * LANES
            for r, c in itertools.product(rows, range(tile.cols)):
                vectors[(r - first) * slot + c] = builder.extract_value(value, r * tile.cols + c)
            sums = ir_tools.lane_sums(builder, vectors)
            for r in rows:
                lane = (r - first) * slot
                place = builder.sub(_scaled(builder, row_stride, r), ir.Constant(row_stride.type, lane))
                ir_tools.add_lanes(builder, sums, builder.gep(g, [place]), lane, lane + tile.cols, keep)
        return context.get_dummy_value()

    return types.void(g, types.intp, types.intp, tile, types.boolean), codegen
