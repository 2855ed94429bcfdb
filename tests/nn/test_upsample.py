"""The upsampling layer: what it makes, what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import nn, reference
from fastconv.errors import ShapeError
from tests.networks import BATCH_SIZES, normal


@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
@pytest.mark.parametrize("scale_factor", [1, 2, (1, 3)])
def test_every_pixel_becomes_a_rectangle(batch, scale_factor):
    layer, x = nn.Upsample(scale_factor=scale_factor), normal(0, batch, 3, 4, 5)
    y = layer(x)
    np.testing.assert_array_equal(y, reference.upsample(x, scale_factor))
    assert y.shape == layer.output_shape(x.shape)


def test_features_are_refused():
    with pytest.raises(ShapeError, match=r"expected \(N, C, H, W\), got \(5, 4\)"):
        nn.Upsample(scale_factor=2).output_shape((5, 4))


@pytest.mark.parametrize(("scale_factor", "error"), [(0, ValueError), (1.5, TypeError), ((2, 2, 2), TypeError)])
def test_a_factor_that_is_no_whole_number_is_refused(scale_factor, error):
    with pytest.raises(error, match="scale_factor must be"):
        nn.Upsample(scale_factor=scale_factor)
