"""Upsampling and its gradient, against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import functional, reference
from fastconv.errors import ShapeError
from tests.oracles import assert_close
from tests.strategies import BATCHES, arrays, pairs, seeds, sizes

F32 = np.float32


@given(st.sampled_from(BATCHES), pairs(1, 6), sizes(1, 4), seeds)
def test_upsample_is_the_reference_to_the_last_bit(batch, size, scale_factor, seed):
    x = arrays(seed, batch, 3, *size, dtype=F32)
    np.testing.assert_array_equal(functional.upsample(x, scale_factor), reference.upsample(x, scale_factor))


@given(st.sampled_from(BATCHES), pairs(1, 6), pairs(1, 4), seeds)
def test_upsample_grad_agrees_with_the_reference(batch, size, scale, seed):
    dy = arrays(seed, batch, 3, size[0] * scale[0], size[1] * scale[1], dtype=F32)
    expected = reference.upsample_grad(dy.astype(np.float64), scale)
    assert_close(functional.upsample_grad(dy, scale), expected, 1e-6)


def test_a_gradient_that_is_not_of_whole_rectangles_is_refused():
    with pytest.raises(ShapeError, match=r"expected dy in rectangles of \(2, 3\) pixels, got \(1, 1, 4, 4\)"):
        functional.upsample_grad(np.zeros((1, 1, 4, 4), F32), (2, 3))
