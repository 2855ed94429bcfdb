"""Optimizer updates, each one pass over a block of the flat parameter buffer: every value is read and written once."""

from __future__ import annotations

import math

import numpy as np

from fastconv.kernels.abi import BUFFER, COUNT, argument, floats, integers, kernel, record
from fastconv.layout import LANES

BLOCK = record(
    ("theta", BUFFER), ("grad", BUFFER), ("state0", BUFFER), ("state1", BUFFER),
    ("constants", BUFFER),  # float32, set by the optimizer before each step
    ("size", np.int64),
)


@kernel(BLOCK)
def sgd(records, index):
    """constants: lr, momentum, weight_decay, nesterov (0 or 1)."""
    op = argument(records, index)
    theta, grad, velocity, constants = (
        floats(op.theta, 0), floats(op.grad, 0), floats(op.state0, 0), floats(op.constants, 0))
    lr, momentum, weight_decay, nesterov = constants[0], constants[1], constants[2], constants[3]
    for i in range(op.size):
        g = grad[i] + weight_decay * theta[i]
        v = momentum * velocity[i] + g
        velocity[i] = v
        theta[i] -= lr * (g + momentum * v if nesterov > np.float32(0.0) else v)


@kernel(BLOCK)
def adam(records, index):
    """constants: step size lr/(1-β₁ᵗ), 1-β₁, β₂, 1-β₂, √(1-β₂ᵗ), ε, L2 factor, shrinkage 1 - lr·λ.

    One kernel is both Adam (shrinkage 1) and AdamW (L2 factor 0). The differences from 1 come rounded once: taken in
    float32 here, 1 - 0.999 would be off by a part in 10⁵.
    """
    op = argument(records, index)
    theta, grad, m, v, constants = (
        floats(op.theta, 0), floats(op.grad, 0), floats(op.state0, 0), floats(op.state1, 0), floats(op.constants, 0))
    step_size, rest1, beta2, rest2 = constants[0], constants[1], constants[2], constants[3]
    correction, eps, l2, shrinkage = constants[4], constants[5], constants[6], constants[7]
    for i in range(op.size):
        g = grad[i] + l2 * theta[i]
        first = m[i] + rest1 * (g - m[i])
        second = beta2 * v[i] + rest2 * g * g
        m[i], v[i] = first, second
        theta[i] = theta[i] * shrinkage - step_size * first / (math.sqrt(second) / correction + eps)


@kernel(record(("partial", BUFFER), ("grad", BUFFER), ("batch", BUFFER),
               ("targets", np.int64), ("rows", np.int64), ("cols", np.int64)))
def sum_groups(records, index):
    """grad[t, col, row] = the sum of the groups' partial[t, row, col], in the order of the groups.

    The sums are taken in the first group's memory.
    """
    op = argument(records, index)
    grad, sums = floats(op.grad, 0), floats(op.partial, 0)
    size = op.rows * op.cols
    for group in range(1, (integers(op.batch, 0)[COUNT] + LANES - 1) // LANES):
        partial = floats(op.partial, group)
        for i in range(op.targets * size):
            sums[i] += partial[i]
    for t in range(op.targets):
        for col in range(op.cols):
            for row in range(op.rows):
                grad[t * size + col * op.rows + row] = sums[t * size + row * op.cols + col]
