"""Vectors of 16 lanes as Numba values: floats, small integers and masks, and the operations kernels need on them."""

from __future__ import annotations

import operator

from numba import types
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

from fastconv.simd import ir_tools
from fastconv.simd.ir_tools import BYTES, FLOATS, INTEGERS, MASK, SHORTS


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
integers = VectorType("Integers16", INTEGERS)
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


def _spread(builder, value, numba_type):
    """A vector as it is, a scalar in every lane."""
    if numba_type == types.float32:
        return ir_tools.splat(builder, value, FLOATS)
    return ir_tools.splat(builder, value, INTEGERS) if isinstance(numba_type, types.Integer) else value


@intrinsic
def first_lanes(_typing, count):
    """The mask of the first `count` lanes."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.first_lanes(builder, args[0])

    return mask(types.intp), codegen


@intrinsic
def load_mask(_typing, pointer, index):
    """The mask whose lanes are the bits of the uint16 pointer[index]."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.load_mask(builder, builder.gep(args[0], [args[1]]))

    return mask(pointer, types.intp), codegen


@intrinsic
def select(_typing, condition, yes, no):
    """Lane by lane, `yes` where the condition holds and `no` elsewhere; a float32 scalar stands for all lanes."""
    result = floats if types.float32 in (yes, no) else yes

    def codegen(_context, builder, signature, args):
        return builder.select(args[0], *(_spread(builder, *each) for each in zip(args[1:], signature.args[1:],
                                                                                 strict=True)))

    return result(condition, yes, no), codegen


@intrinsic
def fma(_typing, a, b, c):
    """a * b + c, rounded once; a float32 scalar stands for all lanes."""

    def codegen(_context, builder, signature, args):
        return ir_tools.fma(builder, *(_spread(builder, *each) for each in zip(args, signature.args, strict=True)))

    return floats(a, b, c), codegen


@intrinsic
def polynomial(_typing, x, coefficients):
    """Σ_k coefficients[k] xᵏ by Horner's rule, from a tuple of float32."""

    def codegen(_context, builder, _signature, args):
        *rest, value = (ir_tools.splat(builder, builder.extract_value(args[1], k), FLOATS)
                        for k in range(coefficients.count))
        for coefficient in reversed(rest):
            value = ir_tools.fma(builder, value, args[0], coefficient)
        return value

    return floats(floats, coefficients), codegen


@intrinsic
def at_least(_typing, value, lower):
    """max(value, lower); NaN stays NaN."""

    def codegen(_context, builder, _signature, args):
        lower = ir_tools.splat(builder, args[1], FLOATS)
        return builder.select(builder.fcmp_ordered("<", args[0], lower), lower, args[0])

    return floats(floats, types.float32), codegen


@intrinsic
def at_most(_typing, value, upper):
    """min(value, upper); NaN stays NaN."""

    def codegen(_context, builder, _signature, args):
        upper = ir_tools.splat(builder, args[1], FLOATS)
        return builder.select(builder.fcmp_ordered(">", args[0], upper), upper, args[0])

    return floats(floats, types.float32), codegen


@intrinsic
def magnitude(_typing, value):
    """|value|"""

    def codegen(_context, builder, _signature, args):
        return ir_tools.call(builder, "fabs", *args)

    return floats(floats), codegen


@intrinsic
def with_sign(_typing, value, sign):
    """|value| with the sign of `sign`."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.call(builder, "copysign", *args)

    return floats(floats, floats), codegen


@intrinsic
def bits(_typing, value):
    """The bits of floats, as integers."""

    def codegen(_context, builder, _signature, args):
        return builder.bitcast(args[0], INTEGERS)

    return integers(floats), codegen


@intrinsic
def from_bits(_typing, value):
    """The floats that have these bits."""

    def codegen(_context, builder, _signature, args):
        return builder.bitcast(args[0], FLOATS)

    return floats(integers), codegen


@intrinsic
def to_floats(_typing, value):
    """The floats nearest to integers."""

    def codegen(_context, builder, _signature, args):
        return builder.sitofp(args[0], FLOATS)

    return floats(integers), codegen


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


def _binary(symbol, left, result, emit, scalar=None):
    """Declares an operator of two vectors; where there is a `scalar` type, one of the two may be that."""
    pairs = [(left, left)] if scalar is None else [(left, left), (left, scalar), (scalar, left)]

    @type_callable(symbol)
    def _type(_context):
        return lambda a, b: result if (a, b) in pairs else None

    def _lower(_context, builder, signature, args):
        return emit(builder, *(_spread(builder, *each) for each in zip(args, signature.args, strict=True)))

    for pair in pairs:
        lower_builtin(symbol, *pair)(_lower)


@type_callable(operator.neg)
def _type_negative(_context):
    return lambda value: value if value in (floats, integers) else None


@lower_builtin(operator.neg, floats)
def _negative(_context, builder, _signature, args):
    return builder.fneg(args[0])


@lower_builtin(operator.neg, integers)
def _negative_integers(_context, builder, _signature, args):
    return builder.neg(args[0])


for _symbol, _emit in ((operator.add, "fadd"), (operator.sub, "fsub"), (operator.mul, "fmul"),
                       (operator.truediv, "fdiv"), (operator.iadd, "fadd")):
    _binary(_symbol, floats, floats, lambda builder, a, b, emit=_emit: getattr(builder, emit)(a, b), types.float32)
for _symbol, _compare in ((operator.gt, ">"), (operator.ge, ">="), (operator.lt, "<"), (operator.eq, "==")):
    _binary(_symbol, floats, mask, lambda builder, a, b, compare=_compare: builder.fcmp_ordered(compare, a, b),
            types.float32)
for _symbol, _emit in ((operator.add, "add"), (operator.sub, "sub"), (operator.and_, "and_"),
                       (operator.lshift, "shl"), (operator.rshift, "ashr")):
    _binary(_symbol, integers, integers, lambda builder, a, b, emit=_emit: getattr(builder, emit)(a, b), types.int32)
_binary(operator.eq, bytes_, mask, lambda builder, a, b: builder.icmp_signed("==", a, b))
_binary(operator.eq, shorts, mask, lambda builder, a, b: builder.icmp_signed("==", a, b))
_binary(operator.or_, mask, mask, lambda builder, a, b: builder.or_(a, b))
_binary(operator.and_, mask, mask, lambda builder, a, b: builder.and_(a, b))


# --- Of the optimizers: square roots, ends of arrays that fill no vector, fetching ahead ---


@intrinsic
def sqrt(_typing, value):
    """The square root of each lane, correctly rounded."""

    def codegen(_context, builder, _signature, args):
        return ir_tools.call(builder, "sqrt", *args)

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
