"""Noise for 16 lanes at once: a pair of numbers in each, from the lane's key and a counter."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastconv.layout import LANES
from fastconv.simd import ir_tools
from fastconv.simd.ir_tools import FLOATS, I32, INTEGERS
from fastconv.simd.vector import floats

#: Wellons 2018, "Prospecting for hash functions": lowbias32, as (shift right, factor).
ROUNDS = (16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)


@intrinsic
def noise(_typing, keys, counter):
    """Two vectors of floats in [-1, 1), multiples of 2⁻¹⁵: the halves of the hash of keys[lane] + counter.

    keys: a pointer to 16 uint32.
    """

    def codegen(context, builder, signature, args):
        count = ir_tools.splat(builder, builder.trunc(args[1], I32), INTEGERS)
        z = builder.add(ir_tools.load(builder, args[0], INTEGERS), count)
        for shift, factor in ROUNDS:
            z = builder.xor(z, builder.lshr(z, _all(shift)))
            z = builder.mul(z, _all(factor))
        halves = builder.and_(z, _all(0xFFFF)), builder.lshr(z, _all(16))
        step, minus_one = (ir.Constant(FLOATS, [value] * LANES) for value in (2.0**-15, -1.0))
        pair = [ir_tools.fma(builder, builder.sitofp(half, FLOATS), step, minus_one) for half in halves]
        return context.make_tuple(builder, signature.return_type, pair)

    return types.UniTuple(floats, 2)(keys, types.intp), codegen


def _all(value):
    return ir.Constant(INTEGERS, [value] * LANES)
