"""Random numbers that depend on nothing but a key and a counter, so that no thread and no order changes them."""

from __future__ import annotations

import numpy as np

from fastconv.simd.native import native

#: Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", figures 9 and 10.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@native
def key_of(key, counter):
    """The 64-bit key number `counter` that `key` leads to (SplitMix64)."""
    z = np.uint64(key) + (np.uint64(counter) + np.uint64(1)) * GOLDEN
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    return z ^ (z >> np.uint64(31))


@native
def uniform(key, counter):
    """A float64 in [0, 1), a multiple of 2⁻⁵³."""
    return np.float64(key_of(key, counter) >> np.uint64(11)) * 2.0**-53
