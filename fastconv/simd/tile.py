"""Register tiles: rows x cols vectors of 16 lanes that stay in registers while a kernel accumulates.

A `Tile` is a Numba value whose LLVM form is an array of vectors; LLVM splits it into registers. Its rows and
cols are part of its Numba *type*, taken from a `Block` that rides on the type of a kernel's argument, so one kernel
serves every tile size.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, overload_attribute, register_model

from fastconv.layout import LANES
from fastconv.simd import ir_tools
from fastconv.simd.ir_tools import FLOATS


@dataclass(frozen=True)
class Block:
    """The size of a tile, rows x cols; a compile-time constant in kernels."""

    rows: int
    cols: int


ONE_VECTOR = Block(1, 1)
SQUARE = Block(LANES, 1)  # as many rows as lanes


class _SizedType(types.Type):
    def __init__(self, rows, cols):
        self.rows, self.cols = rows, cols
        super().__init__(name=f"{type(self).__name__}({rows}, {cols})")


class BlockType(_SizedType):
    pass


class TileType(_SizedType):
    pass


@register_model(BlockType)
class _BlockModel(models.OpaqueModel):
    pass


@register_model(TileType)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager, tile):
        super().__init__(manager, tile, ir.ArrayType(FLOATS, tile.rows * tile.cols))


@overload_attribute(BlockType, "rows")
def _rows(block):
    rows = block.rows
    return lambda block: rows


@overload_attribute(BlockType, "cols")
def _cols(block):
    cols = block.cols
    return lambda block: cols


@intrinsic
def one_column(_typing, block):
    """The block with a single column."""
    narrow = BlockType(block.rows, 1)

    def codegen(context, _builder, _signature, _args):
        return context.get_dummy_value()

    return narrow(block), codegen


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
        zero = ir.Constant(FLOATS, [0.0] * LANES)
        return ir.Constant(ir.ArrayType(FLOATS, tile.rows * tile.cols), [zero] * (tile.rows * tile.cols))

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
def fma_scalars_vectors(_typing, tile, w, w_start, x, x_start, x_stride):
    """tile[r, c, :] += w[w_start + r] * x[x_start + c * x_stride : + 16]"""

    def codegen(_context, builder, _signature, args):
        out, w, w_start, x, x_start, x_stride = args
        w, x = builder.gep(w, [w_start]), builder.gep(x, [x_start])
        vectors = [ir_tools.load(builder, builder.gep(x, [_scaled(builder, x_stride, c)]), FLOATS)
                   for c in range(tile.cols)]
        for r in range(tile.rows):
            scalar = ir_tools.splat(
                builder, builder.load(builder.gep(w, [ir.Constant(w_start.type, r)])), FLOATS)
            for c in range(tile.cols):
                k = r * tile.cols + c
                out = builder.insert_value(
                    out, ir_tools.fma(builder, scalar, vectors[c], builder.extract_value(out, k)), k)
        return out

    return tile(tile, w, types.intp, x, types.intp, types.intp), codegen


@intrinsic
def fma_vectors_vectors(_typing, tile, a, a_start, a_stride,
                        x, x_start, x_stride):
    """tile[r, c, :] += a[a_start + r * a_stride : + 16] * x[x_start + c * x_stride : + 16]"""

    def codegen(_context, builder, _signature, args):
        out, a, a_start, a_stride, x, x_start, x_stride = args
        a, x = builder.gep(a, [a_start]), builder.gep(x, [x_start])
        vectors = [ir_tools.load(builder, builder.gep(x, [_scaled(builder, x_stride, c)]), FLOATS)
                   for c in range(tile.cols)]
        for r in range(tile.rows):
            row = ir_tools.load(builder, builder.gep(a, [_scaled(builder, a_stride, r)]), FLOATS)
            for c in range(tile.cols):
                k = r * tile.cols + c
                out = builder.insert_value(
                    out, ir_tools.fma(builder, row, vectors[c], builder.extract_value(out, k)), k)
        return out

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
