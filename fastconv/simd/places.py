"""One place in memory for each lane, and reading from 16 places at once."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fastconv.layout import LANES
from fastconv.simd import ir_tools
from fastconv.simd.ir_tools import BYTES, F32, FLOATS, I32, INTEGERS, MASK, SHORTS, ZEROS
from fastconv.simd.vector import floats, integers, shorts


@intrinsic
def multiples(_typing, step):
    """0, step, 2 · step, …: one for each lane."""

    def codegen(_context, builder, _signature, args):
        lanes = ir.Constant(INTEGERS, list(range(LANES)))
        return builder.mul(lanes, ir_tools.splat(builder, builder.trunc(args[0], I32), INTEGERS))

    return integers(types.intp), codegen


@intrinsic
def truncated(_typing, value):
    """The whole parts of floats, as floats."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.call(builder, "trunc", *args)

    return floats(floats), codegen


@intrinsic
def to_integers(_typing, value):
    """The whole parts of floats; these must lie within 32 bits."""

    def codegen(_context, builder, _signature, args):
        return builder.fptosi(args[0], INTEGERS)

    return integers(floats), codegen


@intrinsic
def within(_typing, value, limit):
    """value, or the nearer of 0 and limit where it lies outside; 0 for NaN."""

    def codegen(_context, builder, _signature, args):
        value, limit = args
        value = builder.select(builder.fcmp_ordered(">", value, ZEROS), value, ZEROS)
        return builder.select(builder.fcmp_ordered("<", value, limit), value, limit)

    return floats(floats, floats), codegen


@intrinsic
def stacked(_typing, above, below, column):
    """For 16 columns of two rows of bytes above[column] and, in the higher byte, below[column]."""

    def codegen(_context, builder, _signature, args):
        upper, lower = (builder.zext(ir_tools.load(builder, builder.gep(row, [args[2]]), BYTES), SHORTS)
                        for row in args[:2])
        return builder.or_(upper, builder.shl(lower, ir.Constant(SHORTS, [8] * LANES)))

    return shorts(above, below, types.intp), codegen


@intrinsic
def neighbours(_typing, pointer, places, pitch):
    """The four pixels that a place in each lane lies between: above and below, left and right, as a tuple of floats.

    They are elements 0, 1, pitch and pitch + 1 of pointer[places : ] where these are floats, and the two bytes each of
    elements 0 and 1, as from `stacked`, where these are integers of 16 bits.
    """
    together = pointer.dtype == types.uint16

    def codegen(context, builder, signature, args):
        start, places, pitch = args
        if together:
            word = _gather(builder, start, places, INTEGERS)
            bytes_ = [builder.lshr(word, ir.Constant(INTEGERS, [shift] * LANES)) for shift in (0, 16, 8, 24)]
            low = ir.Constant(INTEGERS, [255] * LANES)
            found = [builder.sitofp(builder.and_(each, low), FLOATS) for each in bytes_]
        else:
            one, below = ir.Constant(pitch.type, 1), builder.gep(start, [pitch])
            found = [_gather(builder, place, places, FLOATS)
                     for place in (start, builder.gep(start, [one]), below, builder.gep(below, [one]))]
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(floats, 4)(pointer, integers, types.intp), codegen


def _gather(builder, start, places, vector):
    """The 4 bytes at start[places]."""
    element = start.type.pointee
    pointers = builder.gep(start, [places], source_etype=element)
    pointers.type = ir.VectorType(start.type, LANES)  # which llvmlite does not tell of an index in each lane
    name = "f32" if vector == FLOATS else "i32"
    function = ir.FunctionType(vector, [pointers.type, I32, MASK, vector])
    masked_gather = cgutils.get_or_insert_function(
        builder.module, function, f"llvm.masked.gather.v{LANES}{name}.v{LANES}p0")
    align = ir.Constant(I32, 4 if element == F32 else element.width // 8)
    everywhere, nothing = ir.Constant(MASK, [True] * LANES), ir.Constant(vector, ir.Undefined)
    return builder.call(masked_gather, [pointers, align, everywhere, nothing])
