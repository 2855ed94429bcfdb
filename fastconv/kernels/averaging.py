"""Averages of parameters over the steps."""

from __future__ import annotations

import numpy as np

from fastconv.kernels.abi import BUFFER, argument, floats, kernel, record
from fastconv.kernels.update import read
from fastconv.layout import LANES
from fastconv.simd.vector import fma, load_first, splat, store_first


@kernel(record(("theta", BUFFER), ("average", BUFFER), ("share", BUFFER), ("size", np.int64)))
def average(records, _index):
    """average ← average + share · (θ - average)"""
    op = argument(records)
    theta, mean, share = floats(op.theta, 0), floats(op.average, 0), splat(floats(op.share, 0)[0])
    for i in range(0, op.size, LANES):
        left = op.size - i
        before = read(mean, i, left)
        store_first(mean, i, fma(share, load_first(theta, i, left) - before, before), left)
