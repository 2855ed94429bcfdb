"""Activations with a max pooling behind them: in one pass they give what they give one after the other."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn
from fastconv.nn.fusion import PooledActivation, fused
from tests.networks import normal
from tests.oracles import assert_close

TOLERANCE = 1e-6  # some ten roundings of float32

every = pytest.mark.parametrize("name", [name for name in nn.ACTIVATIONS if name != "relu"])
POOLINGS = [nn.MaxPool2d(2), nn.MaxPool2d(3, 2, 1), nn.MaxPool2d((1, 4), (2, 3)), nn.MaxPool2d(17)]
poolings = pytest.mark.parametrize("pooling", POOLINGS, ids=repr)


@every
@poolings
def test_the_maxima_are_those_of_the_activation(name, pooling):
    activation, x = nn.ACTIVATIONS[name](3), 3 * normal(0, 17, 3, 18, 19)
    assert_close(nn.Sequential(activation, pooling)(x), pooling(activation(x)), TOLERANCE)


@pytest.mark.parametrize("layer", [nn.LeakyReLU(-0.7), nn.ELU(-1.0), nn.Swish(-1.0), nn.Swish(3.0), nn.PReLU(init=-2)],
                         ids=repr)
@poolings
def test_arguments_that_turn_a_formula_over_are_heeded(layer, pooling):
    x = 3 * normal(0, 17, 3, 18, 19)
    assert_close(nn.Sequential(layer, pooling)(x), pooling(layer(x)), TOLERANCE)


@pytest.mark.parametrize("beta", [-1.0, 0.0, 2.0])
@pytest.mark.parametrize("p2", [-0.5, 0.0, 0.05, 0.9, 1.5])
def test_an_acon_of_any_shape_is_pooled_as_it_is(p2, beta):
    layer, pooling, x = nn.AconC(1), nn.MaxPool2d(2), 8 * normal(0, 33, 1, 12, 12)
    layer.load_state_dict({"p1": np.ones((1, 1, 1, 1)), "p2": np.full((1, 1, 1, 1), p2),
                           "beta": np.full((1, 1, 1, 1), beta)})
    assert_close(nn.Sequential(layer, pooling)(x), pooling(layer(x)), TOLERANCE)


@every
def test_nan_reaches_the_maxima_of_its_windows_and_no_other(name):
    activation, x = nn.ACTIVATIONS[name](3), normal(0, 17, 3, 8, 8)
    x[16, 2, 5, 4], x[3, 1, 2, 2] = np.nan, -np.inf  # some formulas have no value at -inf
    together = nn.Sequential(activation, nn.MaxPool2d(2))(x)
    np.testing.assert_array_equal(np.isnan(together), np.isnan(nn.MaxPool2d(2)(activation(x))))


@every
def test_equal_values_send_the_whole_gradient_to_one_of_them(name):
    """A constant image: every window is a tie, and what a bias before it gets must be counted once."""
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ACTIVATIONS[name](2), nn.MaxPool2d(2))
    apart = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ACTIVATIONS[name](2), nn.AvgPool2d(2))
    apart.load_state_dict(model.state_dict())
    x, targets = np.full((3, 1, 4, 4), 0.7, np.float32), normal(1, 3, 2, 2, 2)
    _, grads = fc.value_and_grad(model, nn.MSELoss(), x, targets)
    _, expected = fc.value_and_grad(apart, nn.MSELoss(), x, targets)
    for key, grad in grads.items():
        assert_close(grad, expected[key], 1e-5)


def steps(*layers):
    """What is done of layers one after the other, in order."""
    return [step.does for step in fused(nn.Sequential(*layers).expansion(), training=True)]


def test_what_never_decreases_comes_after_the_pooling_and_all_else_into_it():
    pool, relu, tanh, gelu, last = nn.MaxPool2d(2), nn.ReLU(), nn.Tanh(), nn.GELU(), nn.MaxPool2d(3)
    assert steps(tanh, pool) == [pool, tanh]
    assert steps(gelu, pool, last) == [PooledActivation(gelu, pool), last]
    assert steps(relu, pool, tanh) == [relu, pool, tanh]
    assert steps(tanh, pool, last) == [pool, last, tanh]
    assert steps(tanh, gelu) == [tanh, gelu]
    assert steps(nn.LeakyReLU(-1.0), pool)[0] != pool
    assert steps() == []


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.GELU()], ids=repr)
def test_an_activation_that_something_else_reads_stays_before_the_pooling(activation):
    graph = nn.Graph([("activation", activation, "input"), ("pool", nn.MaxPool2d(1), "activation"),
                      ("sum", nn.Add(), ("pool", "activation"))])
    assert next(step.does for step in fused(graph.expansion(), training=True)) is activation


def test_a_softplus_that_steps_down_at_its_threshold_is_not_moved_behind_pooling():
    layer, x = nn.Softplus(beta=2.0, threshold=1.5), np.array([[[[0.74, 0.76]]]], np.float32)
    pooled = nn.Sequential(layer, nn.MaxPool2d((1, 2)))(x)
    np.testing.assert_array_equal(pooled, layer(x).max(axis=3, keepdims=True))
    assert pooled > 0.8
