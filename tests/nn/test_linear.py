"""The linear layer: against the reference, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fastconv import nn, reference
from fastconv.errors import ShapeError
from tests.networks import BATCH_SIZES, normal
from tests.oracles import assert_close
from tests.strategies import linears

TOLERANCE = 1e-5  # some hundred roundings of float32


@given(linears())
def test_linear_agrees_with_the_reference(case):
    layer = nn.Linear(case.in_features, case.out_features)
    layer.load_state_dict({"weight": case.weight(), "bias": case.bias()})
    assert_close(layer(case.x(np.float32)), reference.linear(case.x(), case.weight(), case.bias()), TOLERANCE)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_linear_agrees_with_the_reference_for_every_batch_size(batch, bias):
    layer, x = nn.Linear(50, 9, bias=bias), normal(0, batch, 50)
    assert_close(layer(x), reference.linear(x.astype(np.float64), layer.weight, layer.bias), TOLERANCE)


def test_no_features_make_no_outputs():
    y = nn.Linear(50, 9)(normal(0, 0, 50))
    assert (y.shape, y.dtype) == ((0, 9), np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_spoils_its_own_row_and_no_other(value):
    x = normal(0, 17, 50)
    x[16, 49] = value
    assert np.isfinite(nn.Linear(50, 9)(x)).all(axis=1).tolist() == [True] * 16 + [False]


@pytest.mark.parametrize(("arguments", "error", "message"), [
    ((0, 3), ValueError, "in_features must be at least 1, got 0"),
    ((3, -1), ValueError, "out_features must be at least 1, got -1"),
    ((3.0, 3), TypeError, "in_features must be an integer"),
    ((3, None), TypeError, "out_features must be an integer"),
    (((3, 3), 3), TypeError, "in_features"),
    ((3, (3, 3)), TypeError, "out_features"),
])
def test_arguments_that_make_no_linear_layer_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.Linear(*arguments)


@pytest.mark.parametrize(("shape", "message"), [
    ((5, 49), r'Linear "0": expected \(N, 50\), got \(5, 49\)$'),
    ((5, 2, 5, 5), r'Linear "0": expected \(N, 50\), got \(5, 2, 5, 5\); put a Flatten before it'),
    ((5, 50, 1, 1), r'Linear "0": expected \(N, 50\), got \(5, 50, 1, 1\); put a Flatten before it'),
])
def test_batches_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ShapeError, match=message):
        nn.Sequential(nn.Linear(50, 9))(normal(0, *shape))


def test_parameters_have_the_shapes_of_pytorch():
    layer = nn.Linear(50, 9)
    assert (layer.weight.shape, layer.bias.shape) == ((9, 50), (9,))


def test_multiply_adds_are_one_for_each_weight():
    assert nn.Linear(50, 9).multiply_adds((1, 9)) == 450
