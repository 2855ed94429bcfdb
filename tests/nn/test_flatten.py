"""Flatten: the order of the features is NumPy's, at the end of a network and inside it."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import nn, reference
from tests.networks import BATCH_SIZES, normal
from tests.oracles import assert_close

every_batch_size = pytest.mark.parametrize("batch", BATCH_SIZES)


@every_batch_size
def test_features_are_in_the_order_of_channel_row_column(batch):
    x = normal(0, batch, 3, 4, 5)
    np.testing.assert_array_equal(nn.Flatten()(x), x.reshape(batch, 60))


@every_batch_size
def test_features_stay_as_they_are(batch):
    x = normal(0, batch, 7)
    np.testing.assert_array_equal(nn.Flatten()(x), x)


@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_a_linear_layer_sees_the_features_in_that_order(batch):
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(60, 9)), normal(0, batch, 3, 4, 5)
    expected = reference.linear(x.reshape(batch, 60).astype(np.float64), model[1].weight, model[1].bias)
    assert_close(model(x), expected, 1e-5)


def test_flattening_twice_is_flattening_once():
    x = normal(0, 17, 3, 4, 5)
    np.testing.assert_array_equal(nn.Sequential(nn.Flatten(), nn.Flatten())(x), nn.Flatten()(x))


def test_output_shape_multiplies_the_extents():
    assert nn.Flatten().output_shape((17, 3, 4, 5)) == (17, 60)
