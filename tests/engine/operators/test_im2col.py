"""Convolution by im2col where the weight's gradient is summed in several strips of output pixels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import functional, operation, reference
from fastconv.engine.operators import im2col
from fastconv.engine.pool import Pool
from tests.oracles import assert_close
from tests.strategies import convolutions

F32 = np.float32
TOLERANCE = 1e-5  # some hundred roundings of float32


@contextmanager
def strips_of(bytes: int) -> Iterator[None]:
    """Has strips of so many bytes at most, or of one pixel, in programs that are planned anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(im2col, "PANEL_STRIP_BYTES", bytes)
        patch.setattr(operation, "_pool", Pool())
        yield


@given(convolutions(), st.sampled_from([1, 1024, 4096]))
def test_conv2d_weight_grad_in_strips_agrees_with_the_reference(case, bytes):
    expected = reference.conv2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.options)
    with strips_of(bytes):
        actual = functional.conv2d_weight_grad(case.x(F32), case.dy(F32), case.kernel_size, **case.options,
                                               algorithm="im2col")
    assert_close(actual, expected, TOLERANCE)


@given(convolutions())
def test_a_second_batch_finds_nothing_of_the_first(case):
    x, dy = case.x(F32), case.dy(F32)
    options = {**case.options, "algorithm": "im2col"}
    expected = reference.conv2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.options)
    expected_weight = reference.conv2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.options)
    functional.conv2d_input_grad(np.full_like(dy, np.nan), case.weight(F32), case.x_shape, **options)
    functional.conv2d_weight_grad(np.full_like(x, np.nan), np.full_like(dy, np.nan), case.kernel_size, **options)
    assert_close(functional.conv2d_input_grad(dy, case.weight(F32), case.x_shape, **options), expected, TOLERANCE)
    assert_close(functional.conv2d_weight_grad(x, dy, case.kernel_size, **options), expected_weight, TOLERANCE)
