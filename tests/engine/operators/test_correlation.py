"""Correlations to a single channel, whose pixels share what they read; weight gradients cut into strips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import functional, operation, reference
from fastconv.engine.operators import correlation
from fastconv.engine.pool import Pool
from tests.oracles import assert_close
from tests.strategies import convolutions

F32 = np.float32
TOLERANCE = 1e-5  # some hundred roundings of float32


@given(convolutions(), st.sampled_from([1, 1024, 4096]))
def test_a_weight_gradient_in_strips_agrees_with_the_reference(case, bytes):
    expected = reference.conv2d_weight_grad(case.x(), case.dy(), case.kernel_size, **case.options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(correlation, "GRADIENT_STRIP_BYTES", bytes)
        patch.setattr(operation, "_pool", Pool())
        actual = functional.conv2d_weight_grad(case.x(F32), case.dy(F32), case.kernel_size, **case.options,
                                               algorithm="direct")
    assert_close(actual, expected, TOLERANCE)


@given(convolutions(), st.integers(1, 7), st.integers(1, 3))
def test_a_single_target_channel_agrees_with_the_reference(case, width, groups):
    height, _ = case.kernel_size
    case = replace(case, kernel_size=(height, width), in_channels=3 * groups, out_channels=groups, groups=groups,
                   size=(case.size[0], case.size[1] + 3 * 7))
    expected = reference.conv2d(case.x(), case.weight(), case.bias(), **case.options)
    actual = functional.conv2d(case.x(F32), case.weight(F32), case.bias(F32), **case.options, algorithm="direct")
    assert_close(actual, expected, TOLERANCE)


@given(convolutions(), st.integers(1, 7), st.integers(1, 3))
def test_the_gradient_of_a_single_source_channel_agrees_with_the_reference(case, width, groups):
    height, _ = case.kernel_size
    case = replace(case, kernel_size=(height, width), in_channels=groups, out_channels=3 * groups, groups=groups,
                   size=(case.size[0], case.size[1] + 3 * 7))
    expected = reference.conv2d_input_grad(case.dy(), case.weight(), case.x_shape, **case.options)
    actual = functional.conv2d_input_grad(case.dy(F32), case.weight(F32), case.x_shape, **case.options,
                                          algorithm="direct")
    assert_close(actual, expected, TOLERANCE)
