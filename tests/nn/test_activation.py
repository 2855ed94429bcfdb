"""The activation layers: against the reference, up to the ends of what float32 holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastconv import nn, reference
from fastconv.errors import ShapeError
from tests.networks import BATCH_SIZES, normal

TOLERANCE = 1e-6  # some ten roundings of float32
TINY = 1e-37  # around here float32 begins to lose bits

ELEMENTWISE = {nn.ReLU: reference.relu, nn.Tanh: reference.tanh, nn.Sigmoid: reference.sigmoid}
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-40, -1e-40, 88.8, -88.8, -104.0], np.float32)

elementwise = pytest.mark.parametrize("layer", ELEMENTWISE)
every = pytest.mark.parametrize("layer", [*ELEMENTWISE, nn.Softmax])


def values(shape):
    return hnp.arrays(np.float32, shape, elements=st.floats(-100, 100, width=32))


@elementwise
@given(x=values(hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)
                | hnp.array_shapes(min_dims=4, max_dims=4, max_side=8)))
def test_an_activation_agrees_with_the_reference(layer, x):
    np.testing.assert_allclose(layer()(x), ELEMENTWISE[layer](x.astype(np.float64)), rtol=TOLERANCE, atol=TINY)


@given(values(hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)))
def test_softmax_agrees_with_the_reference(x):
    np.testing.assert_allclose(nn.Softmax()(x), reference.softmax(x.astype(np.float64)), rtol=1e-5, atol=TINY)


@elementwise
def test_an_activation_maps_special_values_as_the_reference_does(layer):
    expected = ELEMENTWISE[layer](SPECIAL.astype(np.float64))
    np.testing.assert_allclose(layer()(SPECIAL[:, None])[:, 0], expected, rtol=TOLERANCE, atol=TINY)


@elementwise
@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_an_activation_agrees_with_the_reference_for_every_batch_size(layer, batch):
    x = normal(0, batch, 3, 4, 5)
    np.testing.assert_allclose(layer()(x), ELEMENTWISE[layer](x.astype(np.float64)), rtol=TOLERANCE, atol=0)


@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_softmax_agrees_with_the_reference_for_every_batch_size(batch):
    x = normal(0, batch, 10)
    np.testing.assert_allclose(nn.Softmax()(x), reference.softmax(x.astype(np.float64)), rtol=TOLERANCE, atol=0)


@every
def test_no_features_make_no_outputs(layer):
    y = layer()(normal(0, 0, 10))
    assert (y.shape, y.dtype) == ((0, 10), np.float32)


@every
def test_an_activation_keeps_the_shape(layer):
    assert layer().output_shape((3, 10)) == (3, 10)


def test_softmax_of_huge_logits_is_finite():
    x = np.array([[1e30, 0, -1e30], [-1e30, -1e30, -1e30]], np.float32)
    np.testing.assert_allclose(nn.Softmax()(x), [[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]], rtol=TOLERANCE)


def test_softmax_of_one_feature_is_1():
    np.testing.assert_array_equal(nn.Softmax()(normal(0, 17, 1)), 1)


def test_nan_spoils_the_probabilities_of_its_own_image_and_no_other():
    x = normal(0, 17, 10)
    x[16, 9] = np.nan
    assert np.isnan(nn.Softmax()(x)).all(axis=1).tolist() == [False] * 16 + [True]


def test_softmax_refuses_images():
    with pytest.raises(ShapeError, match=r'Softmax "0": expected \(N, F\), got \(3, 2, 4, 4\); put a Flatten'):
        nn.Sequential(nn.Softmax())(normal(0, 3, 2, 4, 4))
