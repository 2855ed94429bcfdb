"""Noise beside the reference, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from fastconv.kernels.abi import pointer
from fastconv.reference import augmentation as reference
from fastconv.simd.noise import noise
from fastconv.simd.vector import store


@njit
def _noise(keys, counter, result):
    first, second = noise(pointer(np.uint32, keys), counter)
    store(pointer(np.float32, result), 0, first)
    store(pointer(np.float32, result), 16, second)


@pytest.mark.parametrize("counter", [0, 1, 783, 2**31 + 5])
def test_each_lane_has_the_two_numbers_of_its_key_and_the_counter(counter):
    keys = np.random.default_rng(counter).integers(0, 2**32, 16, dtype=np.uint32)
    found = np.zeros((2, 16), np.float32)
    _noise(keys.ctypes.data, counter, found.ctypes.data)
    np.testing.assert_array_equal(found, np.array([reference.noise(int(key), counter) for key in keys]).T)
