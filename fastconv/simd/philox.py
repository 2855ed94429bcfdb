"""Philox 4×32-10: random bits that are a function of a counter and a key (Salmon et al. 2011), 16 images at once.

Nothing is remembered from one draw to the next, so any thread may draw any of them, at any time, again.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastconv.layout import LANES
from fastconv.simd import ir_tools
from fastconv.simd.ir_tools import I32, I64, INTEGERS
from fastconv.simd.vector import integers, mask

#: The constants of the authors' Random123: multipliers, what the key grows by from round to round, rounds.
MULTIPLIERS, KEY_STEPS, ROUNDS = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85), 10

#: Words as the low halves of 64 bits: what stands in the high ones is ignored. Products need no unpacking then
#: (measured with AVX-512, of 64 draws of 32 bits: 67 ns become 30).
WIDE = ir.VectorType(I64, LANES)


@intrinsic
def draw(_typing, place, group, stream, step, seed):
    """Four vectors of 32 random bits for each image of a group.

    The counter is (place, the image's number, stream, step), 32 bits each; the key is `seed`, 64 bits.
    """
    result = types.UniTuple(integers, 4)

    def codegen(context, builder, _signature, args):
        place, group, stream, step = (ir_tools.splat(builder, each, WIDE) for each in args[:4])
        images = builder.mul(group, _everywhere(LANES))
        counter = place, builder.add(images, ir.Constant(WIDE, list(range(LANES)))), stream, step
        key = args[4], builder.lshr(args[4], ir.Constant(I64, 32))
        for _ in range(ROUNDS):
            counter = _round(builder, counter, key)
            key = tuple(builder.add(word, ir.Constant(I64, by)) for word, by in zip(key, KEY_STEPS, strict=True))
        return context.make_tuple(builder, result, [builder.trunc(word, INTEGERS) for word in counter])

    return result(types.int64, types.int64, types.int64, types.int64, types.int64), codegen


def _round(builder, counter, key):
    high_0, low_0 = _product(builder, counter[0], MULTIPLIERS[0])
    high_1, low_1 = _product(builder, counter[2], MULTIPLIERS[1])
    key_0, key_1 = (ir_tools.splat(builder, word, WIDE) for word in key)
    return (builder.xor(builder.xor(high_1, counter[1]), key_0), low_1,
            builder.xor(builder.xor(high_0, counter[3]), key_1), low_0)


def _product(builder, word, multiplier):
    """The high and the low 32 bits of word · multiplier, unsigned."""
    product = builder.mul(builder.and_(word, _everywhere(0xFFFFFFFF)), _everywhere(multiplier))
    return builder.lshr(product, _everywhere(32)), product


def _everywhere(number):
    return ir.Constant(WIDE, [number] * LANES)


@intrinsic
def at_least(_typing, bits, threshold):
    """The lanes whose bits, read as an unsigned number, are at least `threshold`."""

    def codegen(_context, builder, _signature, args):
        threshold = ir_tools.splat(builder, builder.trunc(args[1], I32), INTEGERS)
        return builder.icmp_unsigned(">=", args[0], threshold)

    return mask(integers, types.int64), codegen
