"""Weight gradients on the tiles of a correlation, cut into strips."""

from __future__ import annotations

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
