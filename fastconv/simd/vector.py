"""Vectors of 16 lanes as Numba values: floats, small integers and masks, and the operations kernels need on them."""

from __future__ import annotations

import operator

from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from fastconv.simd import ir_tools
from fastconv.simd.ir_tools import BYTES, FLOATS, MASK, SHORTS


class VectorType(types.Type):
    """16 lanes of one LLVM element type."""

    def __init__(self, name: str, vector):
        self.vector = vector
        super().__init__(name=name)


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector_type: VectorType):
        super().__init__(manager, vector_type, vector_type.vector)


floats = VectorType("Floats16", FLOATS)
bytes_ = VectorType("Bytes16", BYTES)
shorts = VectorType("Shorts16", SHORTS)
mask = VectorType("Mask16", MASK)

_OF_ELEMENT = {types.float32: floats, types.uint8: bytes_, types.uint16: shorts}


@intrinsic
def load(_typing, pointer, index):
    """pointer[index : index + 16]"""
    vector = _OF_ELEMENT[pointer.dtype]

    def codegen(_context, builder, _signature, args):
        return ir_tools.load(builder, builder.gep(args[0], [args[1]]), vector.vector)

    return vector(pointer, types.intp), codegen


@intrinsic
def store(_typing, pointer, index, value):
    """pointer[index : index + 16] = value"""

    def codegen(context, builder, _signature, args):
        ir_tools.store(builder, args[2], builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(pointer, types.intp, value), codegen


@intrinsic
def splat(_typing, scalar):
    """A vector with the float32 `scalar` in every lane."""
    vector = _OF_ELEMENT[scalar]

    def codegen(_context, builder, _signature, args):
        return ir_tools.splat(builder, args[0], vector.vector)

    return vector(scalar), codegen


@intrinsic
def splat_integer(_typing, pointer, integer):
    """A vector with `integer` in every lane, of the pointer's element type."""
    vector = _OF_ELEMENT[pointer.dtype]

    def codegen(_context, builder, _signature, args):
        return ir_tools.splat(builder, builder.trunc(args[1], vector.vector.element), vector.vector)

    return vector(pointer, types.intp), codegen


@intrinsic
def select(_typing, condition, yes, no):
    """Lane by lane, `yes` where the condition holds and `no` elsewhere."""

    def codegen(_context, builder, _signature, args):
        return builder.select(*args)

    return yes(condition, yes, no), codegen


@intrinsic
def fma(_typing, a, b, c):
    """a * b + c, rounded once."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.fma(builder, *args)

    return floats(floats, floats, floats), codegen


@intrinsic
def is_nan(_typing, value):
    """The lanes that hold no number."""

    def codegen(_context, builder, _signature, args):
        return builder.fcmp_unordered("uno", args[0], args[0])

    return mask(floats), codegen


@intrinsic
def lane_sum(_typing, value):
    """The sum over the 16 lanes, in a fixed order."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.lane_sum(builder, args[0])

    return types.float32(floats), codegen


def _binary(symbol, left, result, emit):
    @type_callable(symbol)
    def _type(_context):
        return lambda a, b: result if a == left and b == left else None

    @lower_builtin(symbol, left, left)
    def _lower(_context, builder, _signature, args):
        return emit(builder, *args)


_binary(operator.add, floats, floats, lambda builder, a, b: builder.fadd(a, b))
_binary(operator.iadd, floats, floats, lambda builder, a, b: builder.fadd(a, b))
_binary(operator.sub, floats, floats, lambda builder, a, b: builder.fsub(a, b))
_binary(operator.mul, floats, floats, lambda builder, a, b: builder.fmul(a, b))
_binary(operator.gt, floats, mask, lambda builder, a, b: builder.fcmp_ordered(">", a, b))
_binary(operator.eq, bytes_, mask, lambda builder, a, b: builder.icmp_signed("==", a, b))
_binary(operator.eq, shorts, mask, lambda builder, a, b: builder.icmp_signed("==", a, b))
_binary(operator.or_, mask, mask, lambda builder, a, b: builder.or_(a, b))
_binary(operator.and_, mask, mask, lambda builder, a, b: builder.and_(a, b))


# --- Of the optimizers: division, square roots, ends of arrays that fill no vector, fetching ahead ---

_binary(operator.truediv, floats, floats, lambda builder, a, b: builder.fdiv(a, b))


@intrinsic
def sqrt(_typing, value):
    """The square root of each lane, correctly rounded."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.sqrt(builder, args[0])

    return floats(floats), codegen


@intrinsic
def load_first(_typing, pointer, index, count):
    """pointer[index : index + min(count, 16)], with zeros in the lanes that are left."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.load_first(builder, builder.gep(args[0], [args[1]]), args[2])

    return floats(pointer, types.intp, types.intp), codegen


@intrinsic
def store_first(_typing, pointer, index, value, count):
    """pointer[index : index + min(count, 16)] = the first lanes of value"""

    def codegen(context, builder, _signature, args):
        place, full = builder.gep(args[0], [args[1]]), ir_tools.fills_vector(builder, args[3])
        with builder.if_else(full) as (then, otherwise):
            with then:
                ir_tools.store(builder, args[2], place)
            with otherwise:
                ir_tools.store_first(builder, args[2], place, args[3])
        return context.get_dummy_value()

    return types.void(pointer, types.intp, floats, types.intp), codegen


@intrinsic
def prefetch(_typing, pointer, index):
    """Has the cache line of pointer[index] fetched; the place need not be inside an array."""

    def codegen(context, builder, _signature, args):
        ir_tools.prefetch(builder, builder.gep(args[0], [args[1]]))
        return context.get_dummy_value()

    return types.void(pointer, types.intp), codegen
