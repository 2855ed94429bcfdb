"""The matrices of Winograd's transforms, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.simd import winograd

integers = st.integers(-99, 99)


def product(factors: list[winograd.Matrix], vector: list[int]) -> np.ndarray:
    values = np.array([Fraction(value) for value in vector])
    for factor in factors:
        values = np.array(factor) @ values
    return values


@pytest.mark.parametrize("size", winograd.POINTS)
@given(st.data())
def test_the_transforms_make_a_correlation_with_three_taps(size, data):
    d = data.draw(st.lists(integers, min_size=size, max_size=size))
    g = data.draw(st.lists(integers, min_size=3, max_size=3))
    elements = product(winograd.weight_factors(size), g) * product(winograd.input_factors(size), d)
    assert list(product(winograd.output_factors(size), elements)) == list(np.correlate(d, g, "valid"))
