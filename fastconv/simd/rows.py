"""Sixteen rows of memory side by side: what a group's images are before they become lanes."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

from fastconv.layout import LANES
from fastconv.simd import ir_tools
from fastconv.simd.block import SQUARE, TileType
from fastconv.simd.ir_tools import BYTES, FLOATS, I64, ZEROS
from fastconv.simd.vector import floats, mask


class RowsType(types.Type):
    """16 pointers to elements of one type."""

    def __init__(self, pointer):
        self.pointer = pointer
        super().__init__(name=f"Rows({pointer.dtype})")


@register_model(RowsType)
class _RowsModel(models.PrimitiveModel):
    def __init__(self, manager, rows):
        element = manager.lookup(rows.pointer).get_value_type()
        super().__init__(manager, rows, ir.ArrayType(element, LANES))


@intrinsic
def rows_at(_typing, start, indices, first, last, stride):
    """rows[r] = start + indices[min(first + r, last)] * stride"""
    rows = RowsType(start)

    def codegen(context, builder, _signature, args):
        start, indices, first, last, stride = args
        out = ir.Constant(context.get_value_type(rows), ir.Undefined)
        for r in range(LANES):
            position = builder.add(first, ir.Constant(I64, r))
            position = builder.select(builder.icmp_signed("<", position, last), position, last)
            index = builder.load(builder.gep(indices, [position]))
            out = builder.insert_value(out, builder.gep(start, [builder.mul(index, stride)]), r)
        return out

    return rows(start, indices, types.intp, types.intp, types.intp), codegen


@intrinsic
def load_rows(_typing, rows, start):
    """tile[r, 0, :] = rows[r][start : + 16] as float32"""
    tile = TileType(SQUARE.rows, SQUARE.cols)
    small = rows.pointer.dtype == types.uint8

    def codegen(context, builder, _signature, args):
        rows, start = args
        out = ir.Constant(context.get_value_type(tile), ir.Undefined)
        for r in range(LANES):
            place = builder.gep(builder.extract_value(rows, r), [start])
            vector = ir_tools.load(builder, place, BYTES if small else FLOATS)
            out = builder.insert_value(out, builder.uitofp(vector, FLOATS) if small else vector, r)
        return out

    return tile(rows, types.intp), codegen


@intrinsic
def scaled(_typing, tile, scale, shift, lanes):
    """tile[r, c, :] * scale + shift, rounded once, in the lanes of a mask; zero in the others."""

    def codegen(_context, builder, _signature, args):
        value, scale, shift, lanes = args
        for k in range(tile.rows * tile.cols):
            vector = ir_tools.fma(builder, builder.extract_value(value, k), scale, shift)
            value = builder.insert_value(value, builder.select(lanes, vector, ZEROS), k)
        return value

    return tile(tile, floats, floats, mask), codegen
