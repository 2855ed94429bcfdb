"""The few LLVM IR phrases that every intrinsic is made of."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

from fastconv.layout import LANES

F32 = ir.FloatType()
I8 = ir.IntType(8)
I16 = ir.IntType(16)
I32 = ir.IntType(32)
FLOATS = ir.VectorType(F32, LANES)
BYTES = ir.VectorType(I8, LANES)
SHORTS = ir.VectorType(I16, LANES)
MASK = ir.VectorType(ir.IntType(1), LANES)


def splat(builder, scalar, vector):
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
    lanes = ir.Constant(ir.VectorType(I32, LANES), [0] * LANES)
    return builder.shuffle_vector(first, undefined, lanes)


def _element_bytes(vector):
    return 4 if vector == FLOATS else vector.element.width // 8


def load(builder, pointer, vector):
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=_element_bytes(vector))


def store(builder, value, pointer):
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=_element_bytes(value.type))


def store_first(builder, value, pointer, count):
    """Stores the first `count` lanes of a float vector."""
    lanes = ir.VectorType(I32, LANES)
    valid = builder.icmp_signed("<", ir.Constant(lanes, list(range(LANES))),
                                splat(builder, builder.trunc(count, I32), lanes))
    function = ir.FunctionType(ir.VoidType(), [FLOATS, FLOATS.as_pointer(), I32, MASK])
    masked_store = cgutils.get_or_insert_function(
        builder.module, function, f"llvm.masked.store.v{LANES}f32.p0")
    builder.call(masked_store, [value, builder.bitcast(pointer, FLOATS.as_pointer()), ir.Constant(I32, 4), valid])


def fma(builder, a, b, c):
    """a * b + c, rounded once."""
    function = ir.FunctionType(FLOATS, [FLOATS] * 3)
    return builder.call(
        cgutils.get_or_insert_function(builder.module, function, f"llvm.fma.v{LANES}f32"), [a, b, c])


def _exchange(builder, a, b, width):
    """Two vectors made of a and b, in blocks of `width` lanes: (a0, b0, a2, b2, …) and (a1, b1, a3, b3, …)."""
    even = [lane if not lane & width else LANES + lane - width for lane in range(LANES)]
    odd = [lane + width if not lane & width else LANES + lane for lane in range(LANES)]
    lanes = ir.VectorType(I32, LANES)
    return (builder.shuffle_vector(a, b, ir.Constant(lanes, even)),
            builder.shuffle_vector(a, b, ir.Constant(lanes, odd)))


def transpose(builder, rows):
    """The columns of 16 vectors."""
    rows, width = list(rows), LANES
    while width > 1:
        width //= 2
        for i in range(LANES):
            if not i & width:
                rows[i], rows[i + width] = _exchange(builder, rows[i], rows[i + width], width)
    return rows


def lane_sums(builder, vectors):
    """The sums over the lanes of up to 16 vectors: lane i of the result is that of vectors[i], the bits of lane_sum.

    Each round folds two vectors into one, whose lanes are theirs by turns.
    """
    width = LANES
    while width > 1:
        width //= 2
        missing = [ir.Constant(FLOATS, ir.Undefined)] * max(0, 2 * width - len(vectors))
        pairs = zip(vectors[:width], [*vectors, *missing][width:2 * width], strict=False)
        vectors = [builder.fadd(*_exchange(builder, a, b, width)) for a, b in pairs]
    return vectors[0]


def lane_sum(builder, value):
    """The sum over the lanes, added pairwise: always in the same order."""
    width = LANES
    while width > 1:
        width //= 2
        half = ir.VectorType(I32, width)
        low = builder.shuffle_vector(value, value, ir.Constant(half, list(range(width))))
        high = builder.shuffle_vector(value, value, ir.Constant(half, list(range(width, 2 * width))))
        value = builder.fadd(low, high)
    return builder.extract_element(value, ir.Constant(I32, 0))
