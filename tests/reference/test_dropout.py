"""Dropout in NumPy: its random numbers are those its authors publish, and what they make is what is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import reference

ZERO, ONES = (0, 0, 0, 0), (0xFFFFFFFF,) * 4


@pytest.mark.parametrize(("counter", "key", "expected"), [
    (ZERO, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    (ONES, 0xFFFFFFFF_FFFFFFFF, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ((0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), 0x299F31D0_A4093822, "d16cfe09 94fdcceb 5001e420 24126ea1"),
])
def test_philox_gives_the_known_answers_of_random123(counter, key, expected):
    words = reference.philox(*(np.array([word], np.uint64) for word in counter), key)
    assert " ".join(f"{int(word[0]):08x}" for word in words) == expected


@pytest.mark.parametrize("p", [0.0, 0.25, 0.9, 1.0])
def test_values_are_dropped_or_scaled(p):
    factors = reference.dropout_factors(4, 30, p)
    assert factors.shape == (4, 30)
    assert set(np.unique(factors)) <= {0.0, 1 / (1 - p) if p < 1 else 0.0}


def test_dropout2d_drops_whole_channels():
    y = reference.dropout2d(np.ones((5, 6, 2, 3)), 0.5)
    assert np.all(y == y[:, :, :1, :1])
    assert set(np.unique(y)) == {0.0, 2.0}
