"""The sums that means and variances are made of."""

from __future__ import annotations

import numpy as np

from fastconv.layout import LANES
from fastconv.simd import vector
from fastconv.simd.native import native


@native
def moments(x, start, end, centre):
    """Σ (x - centre) and Σ (x - centre)² over a channel, x[start : end], for each lane.

    There are two of each sum, so that no addition waits for the last one.
    """
    zero = vector.splat(np.float32(0.0))
    sum_a, sum_b, squares_a, squares_b = zero, zero, zero, zero
    for i in range(start, end - LANES, 2 * LANES):
        a, b = vector.load(x, i) - centre, vector.load(x, i + LANES) - centre
        sum_a += a
        sum_b += b
        squares_a = vector.fma(a, a, squares_a)
        squares_b = vector.fma(b, b, squares_b)
    if (end - start) % (2 * LANES):
        a = vector.load(x, end - LANES) - centre
        sum_a += a
        squares_a = vector.fma(a, a, squares_a)
    return sum_a + sum_b, squares_a + squares_b
