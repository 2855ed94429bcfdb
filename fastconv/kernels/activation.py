"""Activations and their gradients, element by element on packed memory, in place.

The gradients are written in terms of the output y.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from fastconv.kernels.abi import BUFFER, NATIVE, argument, floats, kernel, record

ONE = np.float32(1.0)

FORWARD = record(("y", BUFFER), ("size", np.int64))
BACKWARD = record(("dy", BUFFER), ("y", BUFFER), ("size", np.int64))


@intrinsic
def _power_of_two(_typing, exponent):
    """2 ** exponent for an int32 exponent in [-126, 127]."""

    def codegen(_context, builder, _signature, args):
        i32 = ir.IntType(32)
        biased = builder.add(args[0], ir.Constant(i32, 127))
        return builder.bitcast(builder.shl(biased, ir.Constant(i32, 23)), ir.FloatType())

    return types.float32(types.int32), codegen


@njit(**NATIVE)
def exp(x):
    """e ** x in float32, within 2 ulp on [-87, 88]; Cody and Waite's reduction and a polynomial of degree 6."""
    x = min(max(x, np.float32(-87.0)), np.float32(88.0))
    n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    return (p * r * r + r + ONE) * _power_of_two(np.int32(n))


@njit(**NATIVE)
def sigmoid_of(x):
    """1 / (1 + e⁻ˣ); NaN stays NaN."""
    return ONE / (ONE + exp(-x)) if x == x else x


@njit(**NATIVE)
def tanh_of(x):
    """tanh x: an odd polynomial near 0, where 1 - 2 / (e²ˣ + 1) would cancel; NaN stays NaN."""
    square = x * x
    p = np.float32(-5.70498872745e-3)
    p = p * square + np.float32(2.06390887954e-2)
    p = p * square + np.float32(-5.37397155531e-2)
    p = p * square + np.float32(1.33314422036e-1)
    p = p * square + np.float32(-3.33332819422e-1)
    near = p * square * x + x
    far = ONE - np.float32(2.0) / (exp(np.float32(2.0) * abs(x)) + ONE)
    far = far if x > np.float32(0.0) else -far
    return near if not abs(x) >= np.float32(0.625) else far


@kernel(FORWARD)
def relu(records, group):
    """y = max(y, 0)"""
    op = argument(records, 0)
    y = floats(op.y, group)
    for i in range(op.size):
        y[i] = np.float32(0.0) if y[i] < np.float32(0.0) else y[i]


@kernel(BACKWARD)
def relu_grad(records, group):
    """dy = dy where y > 0, else 0"""
    op = argument(records, 0)
    dy, y = floats(op.dy, group), floats(op.y, group)
    for i in range(op.size):
        dy[i] = dy[i] if y[i] > np.float32(0.0) else np.float32(0.0)


@kernel(FORWARD)
def sigmoid(records, group):
    """y = 1 / (1 + e⁻ʸ)"""
    op = argument(records, 0)
    y = floats(op.y, group)
    for i in range(op.size):
        y[i] = sigmoid_of(y[i])


@kernel(BACKWARD)
def sigmoid_grad(records, group):
    """dy = dy · y (1 - y)"""
    op = argument(records, 0)
    dy, y = floats(op.dy, group), floats(op.y, group)
    for i in range(op.size):
        dy[i] = dy[i] * y[i] * (ONE - y[i])


@kernel(FORWARD)
def tanh(records, group):
    """y = tanh y"""
    op = argument(records, 0)
    y = floats(op.y, group)
    for i in range(op.size):
        y[i] = tanh_of(y[i])


@kernel(BACKWARD)
def tanh_grad(records, group):
    """dy = dy (1 - y²)"""
    op = argument(records, 0)
    dy, y = floats(op.dy, group), floats(op.y, group)
    for i in range(op.size):
        dy[i] = dy[i] * (ONE - y[i] * y[i])
