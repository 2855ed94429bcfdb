"""Gradients of whole networks: against central differences in float64, and against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given

import fastconv as fc
from fastconv import nn
from fastconv.errors import DataError, DtypeError, ShapeError
from tests.expected import in_float64, mean_loss, outputs
from tests.networks import assert_frozen, assert_same_bits, normal, pixels, small_network
from tests.oracles import assert_close
from tests.random_networks import Problem, assume_smooth, problems
from tests.twins import value_and_grad_of_torch

TOLERANCE = 1e-5  # some hundred roundings of float32
NUDGE = 1e-7  # of a weight; in float64 it moves no value as far as a kink
CANCELLED = 1e-6  # some ten roundings at 1: what the terms of one sum leave where they cancel
DIFFERENCED = 1e-7  # what a difference of two losses loses in float64, divided by twice the nudge


def loss_at(problem: Problem, state) -> float:
    y = outputs(problem.model, state, problem.x.astype(np.float64), training=True)
    return mean_loss(problem.loss, y, problem.targets)


@given(problems())
def test_the_loss_agrees_with_the_reference(problem):
    loss, _ = fc.value_and_grad(problem.model, problem.loss, problem.x, problem.targets)
    assert loss == pytest.approx(loss_at(problem, problem.state()), rel=TOLERANCE)


@given(problems())
def test_gradients_agree_with_central_differences_along_random_directions(problem):
    assume_smooth(problem, training=True)
    _, grads = fc.value_and_grad(problem.model, problem.loss, problem.x, problem.targets)
    random, state = np.random.default_rng(problem.seed), problem.state()
    for name, grad in grads.items():
        direction = random.choice([-1.0, 1.0], grad.shape)
        above, below = ({**state, name: state[name] + sign * NUDGE * direction} for sign in (1, -1))
        slope = (loss_at(problem, above) - loss_at(problem, below)) / (2 * NUDGE)
        allowed = TOLERANCE * float(np.abs(grad).sum()) + CANCELLED * grad.size + DIFFERENCED
        assert np.sum(grad * direction) == pytest.approx(slope, rel=0, abs=allowed), name


@given(problems())
def test_gradients_agree_with_autograd_of_pytorch(problem):
    pytest.importorskip("torch")
    assume_smooth(problem, training=True)
    _, expected = value_and_grad_of_torch(problem.model, problem.loss, problem.x, problem.targets)
    _, grads = fc.value_and_grad(problem.model, problem.loss, problem.x, problem.targets)
    assert grads.keys() == expected.keys()
    for name, grad in grads.items():
        allowed = TOLERANCE * np.abs(expected[name]).max() + CANCELLED
        np.testing.assert_allclose(grad, expected[name], rtol=0, atol=allowed, err_msg=name)


@given(problems())
def test_computing_gradients_changes_no_parameter(problem):
    before = problem.model.state_dict()
    fc.value_and_grad(problem.model, problem.loss, problem.x, problem.targets)
    assert_same_bits(problem.model.state_dict(), before)


@given(problems())
def test_the_same_batch_has_the_same_gradients_to_the_last_bit(problem):
    first = fc.value_and_grad(problem.model, problem.loss, problem.x, problem.targets)
    again = fc.value_and_grad(problem.model, problem.loss, problem.x, problem.targets)
    assert again[0] == first[0]
    assert_same_bits(again[1], first[1])


@given(problems())
def test_a_gradient_is_the_mean_of_those_of_the_single_images(problem):
    assume(not problem.depends_on_batch)
    _, grads = fc.value_and_grad(problem.model, problem.loss, problem.x, problem.targets)
    x, targets = problem.x, problem.targets
    singles = [fc.value_and_grad(problem.model, problem.loss, x[i:i + 1], targets[i:i + 1])[1] for i in range(len(x))]
    for name, grad in grads.items():
        each = np.stack([single[name] for single in singles]).astype(np.float64)
        assert np.abs(grad - each.mean(axis=0)).max() <= TOLERANCE * np.abs(each).max() + CANCELLED, name


def test_gradients_of_uint8_images_are_those_of_the_normalised_ones():
    model, images, labels = small_network(), pixels(0, 17, 1, 6, 6), np.arange(17) % 3
    model.set_images([0.3], [0.4])
    prepared = ((images / 255 - 0.3) / 0.4).astype(np.float32)
    _, expected = fc.value_and_grad(model, nn.CrossEntropyLoss(), prepared, labels)
    _, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), images, labels)
    for name, grad in grads.items():
        assert_close(grad, expected[name], TOLERANCE)


def test_a_gradient_reaches_the_layers_before_a_frozen_one():
    assert_frozen(small_network(), 4, normal(0, 17, 1, 6, 6), np.arange(17) % 3)


def test_a_frozen_first_layer_has_no_gradient():
    assert_frozen(small_network(), 0, normal(0, 17, 1, 6, 6), np.arange(17) % 3)


def test_a_network_that_is_all_frozen_has_a_loss_and_no_gradients():
    model, x, labels = small_network(), normal(0, 17, 1, 6, 6), np.arange(17) % 3
    expected, _ = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    model.trainable = False
    assert fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels) == (expected, {})


def test_a_single_layer_is_a_network_too():
    layer, x, targets = nn.Linear(3, 2), normal(0, 5, 3), normal(1, 5, 2)
    _, grads = fc.value_and_grad(layer, nn.MSELoss(), x, targets)
    exact = in_float64(layer.state_dict())
    dy = (x @ exact["weight"].T + exact["bias"] - targets) * 2 / targets.size
    assert_close(grads["weight"], dy.T @ x, TOLERANCE)


def test_nan_in_an_image_reaches_the_loss_and_the_gradients():
    x = normal(0, 17, 1, 6, 6)
    x[3, 0, 0, 0] = np.nan
    loss, grads = fc.value_and_grad(small_network(), nn.CrossEntropyLoss(), x, np.arange(17) % 3)
    assert np.isnan([loss, *(grad.sum() for grad in grads.values())]).all()


@pytest.mark.parametrize(("x", "labels", "error", "message"), [
    (normal(0, 0, 1, 6, 6), np.arange(0), DataError, r"expected at least one image, got \(0, 1, 6, 6\)"),
    (normal(0, 4, 2, 6, 6), np.arange(4) % 3, ShapeError,
     r'Conv2d "0": expected \(N, 1, H, W\), got \(4, 2, 6, 6\)'),
    (normal(0, 4, 1, 6, 6).astype(np.float64), np.arange(4) % 3, DtypeError, "got float64"),
    (normal(0, 4, 1, 6, 6), np.arange(3), ShapeError, r"expected labels \(4,\), one per image, got \(3,\)"),
    (normal(0, 4, 1, 6, 6), [0, 1, 3, 2], DataError, "got 3 at index 2"),
    (normal(0, 4, 1, 6, 6), [0.0, 1.0, 2.0, 0.0], DtypeError, "expected integer labels, got float64"),
])
def test_a_batch_that_does_not_fit_is_refused(x, labels, error, message):
    with pytest.raises(error, match=message):
        fc.value_and_grad(small_network(), nn.CrossEntropyLoss(), x, labels)
