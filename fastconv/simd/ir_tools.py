"""The few LLVM IR phrases that every intrinsic is made of."""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils

from fastconv.layout import LANES

F32 = ir.FloatType()
I8 = ir.IntType(8)
I16 = ir.IntType(16)
I32 = ir.IntType(32)
I64 = ir.IntType(64)
FLOATS = ir.VectorType(F32, LANES)
BYTES = ir.VectorType(I8, LANES)
SHORTS = ir.VectorType(I16, LANES)
INTEGERS = ir.VectorType(I32, LANES)
MASK = ir.VectorType(ir.IntType(1), LANES)
ZEROS = ir.Constant(FLOATS, [0.0] * LANES)


def splat(builder, scalar, vector):
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(I32, 0))
    lanes = ir.Constant(INTEGERS, [0] * LANES)
    return builder.shuffle_vector(first, undefined, lanes)


def _element_bytes(vector):
    return 4 if vector == FLOATS else vector.element.width // 8


def load(builder, pointer, vector):
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=_element_bytes(vector))


def store(builder, value, pointer):
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=_element_bytes(value.type))


def load_mask(builder, pointer):
    """The mask whose lanes are the 16 bits at a pointer, the lowest first."""
    return builder.bitcast(builder.load(builder.bitcast(pointer, I16.as_pointer()), align=2), MASK)


def first_lanes(builder, count):
    """The mask of the first `count` lanes."""
    return builder.icmp_signed("<", ir.Constant(INTEGERS, list(range(LANES))),
                               splat(builder, builder.trunc(count, I32), INTEGERS))


def store_first(builder, value, pointer, count):
    """Stores the first `count` lanes of a float vector."""
    pointer = builder.bitcast(pointer, FLOATS.as_pointer())
    builder.call(_masked_store(builder), [value, pointer, ir.Constant(I32, 4), first_lanes(builder, count)])


def gather_first(builder, pointer, step, count):
    """pointer[0], pointer[step], …: `count` lanes of a float vector, zeros in the others."""
    indices = ir.VectorType(I64, LANES)
    lanes = ir.Constant(indices, list(range(LANES)))
    valid = builder.icmp_signed("<", lanes, splat(builder, count, indices))
    distances = builder.mul(lanes, splat(builder, builder.mul(step, ir.Constant(I64, 4)), indices))
    addresses = builder.add(splat(builder, builder.ptrtoint(pointer, I64), indices), distances)
    places = builder.inttoptr(addresses, ir.VectorType(pointer.type, LANES))
    function = ir.FunctionType(FLOATS, [places.type, I32, MASK, FLOATS])
    gather = cgutils.get_or_insert_function(builder.module, function, f"llvm.masked.gather.v{LANES}f32.v{LANES}p0")
    return builder.call(gather, [places, ir.Constant(I32, 4), valid, ZEROS])


def load_if(builder, condition, pointer):
    """The float vector at the pointer if the condition holds, else zeros; nothing is read then."""
    mask, pointer = splat(builder, condition, MASK), builder.bitcast(pointer, FLOATS.as_pointer())
    return builder.call(_masked_load(builder), [pointer, ir.Constant(I32, 4), mask, ZEROS])


def store_if(builder, condition, value, pointer):
    """Stores a float vector if the condition holds."""
    mask, pointer = splat(builder, condition, MASK), builder.bitcast(pointer, FLOATS.as_pointer())
    builder.call(_masked_store(builder), [value, pointer, ir.Constant(I32, 4), mask])


def call(builder, name, *vectors):
    """What LLVM's function of that name makes of float vectors, lane by lane."""
    function = ir.FunctionType(FLOATS, [FLOATS] * len(vectors))
    return builder.call(cgutils.get_or_insert_function(builder.module, function, f"llvm.{name}.v{LANES}f32"), vectors)


def fma(builder, a, b, c):
    """a * b + c, rounded once."""
    return call(builder, "fma", a, b, c)


def _exchange(builder, a, b, width):
    """Two vectors made of a and b, in blocks of `width` lanes: (a0, b0, a2, b2, …) and (a1, b1, a3, b3, …)."""
    even = [lane if not lane & width else LANES + lane - width for lane in range(LANES)]
    odd = [lane + width if not lane & width else LANES + lane for lane in range(LANES)]
    return (builder.shuffle_vector(a, b, ir.Constant(INTEGERS, even)),
            builder.shuffle_vector(a, b, ir.Constant(INTEGERS, odd)))


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
    """The sums over the lanes of 16 vectors: lane i of the result is that of vectors[i], the bits of lane_sum.

    Where a vector is None the lane holds anything. Each round folds two vectors into one, whose lanes are theirs by
    turns.
    """
    width = LANES
    while width > 1:
        width //= 2
        vectors = [_folded(builder, vectors[i], vectors[i + width], width) for i in range(width)]
    return vectors[0]


def _folded(builder, a, b, width):
    if a is None and b is None:
        return None
    nothing = ir.Constant(FLOATS, ir.Undefined)
    return builder.fadd(*_exchange(builder, a or nothing, b or nothing, width))


def add_lanes(builder, value, pointer, first, end, keep):
    """Stores lanes first to end - 1 of a float vector at pointer[first] and on, added to what is there if `keep`.

    Few lanes are stored one by one: AVX2's masked store is 42 operations of microcode on AMD's processors.
    """
    if end - first <= 4:
        for lane in range(first, end):
            place, lane_value = builder.gep(pointer, [ir.Constant(I64, lane)]), ir.Constant(I32, lane)
            before = builder.select(keep, builder.load(place), ir.Constant(F32, 0.0))
            builder.store(builder.fadd(before, builder.extract_element(value, lane_value)), place)
        return
    mask = ir.Constant(MASK, [first <= lane < end for lane in range(LANES)])
    kept = builder.and_(mask, splat(builder, keep, MASK))
    pointer, align = builder.bitcast(pointer, FLOATS.as_pointer()), ir.Constant(I32, 4)
    before = builder.call(_masked_load(builder), [pointer, align, kept, ZEROS])
    builder.call(_masked_store(builder), [builder.fadd(before, value), pointer, align, mask])


def _masked_load(builder):
    function = ir.FunctionType(FLOATS, [FLOATS.as_pointer(), I32, MASK, FLOATS])
    return cgutils.get_or_insert_function(builder.module, function, f"llvm.masked.load.v{LANES}f32.p0")


def _masked_store(builder):
    function = ir.FunctionType(ir.VoidType(), [FLOATS, FLOATS.as_pointer(), I32, MASK])
    return cgutils.get_or_insert_function(builder.module, function, f"llvm.masked.store.v{LANES}f32.p0")


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


# --- Of the optimizers ---


def fills_vector(builder, count):
    """Whether `count` floats fill all lanes."""
    return builder.icmp_signed(">=", count, ir.Constant(count.type, LANES))


def load_first(builder, pointer, count):
    """The first `count` floats at a pointer, at most 16, and zeros in the lanes that are left."""
    with builder.if_else(fills_vector(builder, count)) as (then, otherwise):
        with then:
            whole = load(builder, pointer, FLOATS)
            from_whole = builder.block
        with otherwise:
            valid, pointer = first_lanes(builder, count), builder.bitcast(pointer, FLOATS.as_pointer())
            part = builder.call(_masked_load(builder), [pointer, ir.Constant(I32, 4), valid, ZEROS])
            from_part = builder.block
    value = builder.phi(FLOATS)
    value.add_incoming(whole, from_whole)
    value.add_incoming(part, from_part)
    return value


def prefetch(builder, pointer):
    """Has a cache line fetched into the first-level cache."""
    pointer = builder.bitcast(pointer, I8.as_pointer())
    function = ir.FunctionType(ir.VoidType(), [pointer.type, I32, I32, I32])
    builder.call(cgutils.get_or_insert_function(builder.module, function, "llvm.prefetch.p0"),
                 [pointer, ir.Constant(I32, 0), ir.Constant(I32, 3), ir.Constant(I32, 1)])  # to read, to keep, data
