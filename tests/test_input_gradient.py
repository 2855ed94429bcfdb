"""Gradients by the images: against central differences in float64, and against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

import fastconv as fc
from fastconv import models, nn
from fastconv.errors import DtypeError, ShapeError
from tests.expected import in_float64, outputs
from tests.networks import normal, pixels, small_network
from tests.oracles import assert_close
from tests.random_networks import Problem, assume_smooth, problems
from tests.twins import to_torch

TOLERANCE = 1e-5  # some hundred roundings of float32
CANCELLED = 1e-6  # some ten roundings at 1: what the terms of one sum leave where they cancel
NUDGE = 1e-7  # of a pixel; in float64 it moves no value as far as a kink
DIFFERENCED = 1e-7  # what a difference of two sums loses in float64, divided by twice the nudge


def output_grad(problem: Problem) -> np.ndarray:
    return normal(problem.seed + 2, *problem.model.output_shape((problem.batch, *problem.image)))


@given(problems())
def test_it_agrees_with_central_differences_along_random_directions(problem):
    assume_smooth(problem)
    x, dy = problem.x.astype(np.float64), output_grad(problem)
    grad = fc.input_grad(problem.model, problem.x, dy)
    direction = np.random.default_rng(problem.seed).choice([-1.0, 1.0], x.shape)
    above, below = (np.sum(dy * outputs(problem.model, problem.state(), x + sign * NUDGE * direction))
                    for sign in (1, -1))
    allowed = TOLERANCE * float(np.abs(grad).sum()) + CANCELLED * grad.size + DIFFERENCED * dy.size
    assert np.sum(grad * direction) == pytest.approx((above - below) / (2 * NUDGE), rel=0, abs=allowed)


@given(problems())
def test_it_agrees_with_autograd_of_pytorch(problem):
    torch = pytest.importorskip("torch")
    assume_smooth(problem)
    x, dy = torch.tensor(problem.x).double().requires_grad_(), output_grad(problem)
    (expected,) = torch.autograd.grad(to_torch(problem.model).eval()(x), x, torch.tensor(dy).double())
    grad = fc.input_grad(problem.model, problem.x, dy)
    allowed = TOLERANCE * float(expected.abs().max()) + CANCELLED
    np.testing.assert_allclose(grad, expected.numpy(), rtol=0, atol=allowed)


@pytest.mark.parametrize("name", ["lenet5", "resnet8", "ds_cnn"])
def test_it_agrees_with_autograd_on_whole_networks(name):
    torch = pytest.importorskip("torch")
    model = models.MODELS[name]()
    model.init(1)
    shape = model.input_shape or (1, 28, 28)
    x, dy = normal(0, 18, *shape), normal(1, *model.output_shape((18, *shape)))
    twin = torch.tensor(x).double().requires_grad_()
    (expected,) = torch.autograd.grad(to_torch(model).eval()(twin), twin, torch.tensor(dy).double())
    grad = fc.input_grad(model, x, dy)
    # A kink that rounding crosses changes the pixels that see it: of all, a share that no other error reaches.
    off = np.abs(grad - expected.numpy()) > 1e-4 * float(expected.abs().max())
    assert off.mean() < 0.01


def test_of_a_linear_network_it_is_the_product_with_the_weights():
    layer, x, dy = nn.Linear(5, 3), normal(0, 17, 5), normal(1, 17, 3)
    assert_close(fc.input_grad(layer, x, dy), dy @ in_float64(layer.state_dict())["weight"], TOLERANCE)


def test_of_a_network_without_layers_it_is_the_outputs_gradient():
    x, dy = normal(0, 17, 2, 3, 3), normal(1, 17, 2, 3, 3)
    np.testing.assert_array_equal(fc.input_grad(nn.Sequential(), x, dy), dy)


def test_of_uint8_images_it_is_that_of_the_normalised_ones():
    model, images, dy = small_network(), pixels(0, 17, 1, 6, 6), normal(1, 17, 3)
    model.set_images([0.3], [0.4])
    prepared = ((images / 255 - 0.3) / 0.4).astype(np.float32)
    assert_close(fc.input_grad(model, images, dy), fc.input_grad(model, prepared, dy), TOLERANCE)


def test_of_no_images_it_is_empty():
    assert fc.input_grad(small_network(), normal(0, 0, 1, 6, 6), normal(0, 0, 3)).shape == (0, 1, 6, 6)


def test_it_has_the_same_bits_for_any_number_of_threads(num_threads):
    model, x, dy = small_network(), normal(0, 50, 1, 6, 6), normal(1, 50, 3)
    num_threads(1)
    one = fc.input_grad(model, x, dy)
    num_threads(2)
    np.testing.assert_array_equal(fc.input_grad(model, x, dy), one)


@pytest.mark.parametrize(("dy", "error", "message"), [
    (normal(0, 4, 2), ShapeError, r"the model's outputs \(4, 3\), got \(4, 2\)"),
    (normal(0, 4, 3).astype(np.float64), DtypeError, "expected output_grad float32, got float64"),
])
def test_an_output_gradient_that_does_not_fit_is_refused(dy, error, message):
    with pytest.raises(error, match=message):
        fc.input_grad(small_network(), normal(0, 4, 1, 6, 6), dy)
