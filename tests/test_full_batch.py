"""Training on all images at once: against the loss it minimises, and beside gradient descent on digits."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import full_batch, nn, optim, reference
from fastconv.errors import DataError, ShapeError
from fastconv.nn.layer import Layer
from tests.networks import assert_same_bits, normal, pixels, small_network

LABELS = np.arange(40) % 3


@pytest.fixture
def images():
    """Forty images that three classes can be told apart by."""
    return normal(0, 40, 1, 6, 6) + LABELS[:, None, None, None].astype(np.float32)


def flat(state):
    return np.concatenate([array.ravel() for array in state.values()])


def digit_network():
    """Four filters and a linear layer, for images 1×28×28."""
    model = nn.Sequential(nn.Conv2d(1, 4, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 10))
    model.set_images([0.13], [0.31])
    return model


def test_lbfgs_reaches_a_lower_loss_on_digits_than_gradient_descent_in_as_many_evaluations():
    train, _ = fc.data.digits()
    methods = {"lbfgs": optim.LBFGS(), "armijo": optim.GradientDescent(),
               "wolfe": optim.GradientDescent(optim.StrongWolfe())}
    after = {}
    for name, method in methods.items():
        result = fc.fit_full_batch(digit_network(), nn.CrossEntropyLoss(), train.images[:500], train.labels[:500],
                                   method, max_iterations=40)
        after[name] = result.history.f[np.searchsorted(result.history.evaluations, 40, side="right") - 1]
    assert after["lbfgs"] < 0.01
    assert after["armijo"] > 10 * after["lbfgs"]
    assert after["wolfe"] > 10 * after["lbfgs"]


@pytest.mark.parametrize("method", [make() for make in optim.METHODS.values()], ids=list(optim.METHODS))
def test_every_method_lowers_the_loss_of_a_model_and_leaves_it_there(images, method):
    model, loss = small_network(), nn.CrossEntropyLoss()
    before, _ = fc.value_and_grad(model, loss, images, LABELS)
    result = fc.fit_full_batch(model, loss, images, LABELS, method, max_iterations=3)
    after, _ = fc.value_and_grad(model, loss, images, LABELS)
    assert result.history.f[0] == before
    assert result.f == after < before
    np.testing.assert_array_equal(flat(model.state_dict()), result.x.astype(np.float32))


def test_the_minimum_of_a_convex_loss_is_scipys_in_float64(images):
    scipy = pytest.importorskip("scipy.optimize")
    loss, model = nn.CrossEntropyLoss(label_smoothing=0.1), nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    inputs = np.column_stack([images.reshape(40, 36), np.ones(40)]).astype(np.float64)

    def f(weight):
        losses, grad = reference.cross_entropy(inputs @ weight.reshape(37, 3), LABELS, loss.label_smoothing)
        return losses.mean(), (inputs.T @ grad).ravel()

    expected = scipy.minimize(f, np.zeros(37 * 3), jac=True, method="BFGS")
    result = fc.fit_full_batch(model, loss, images, LABELS, tolerance=1e-8, max_iterations=500)
    assert result.f == pytest.approx(expected.fun, rel=1e-4)


def test_the_linear_least_squares_solution_is_found(images):
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 3))
    fc.fit_full_batch(model, nn.MSELoss(), images, LABELS, optim.Newton(), tolerance=1e-8)
    inputs = np.column_stack([images.reshape(40, 36), np.ones(40)]).astype(np.float64)
    expected, *_ = np.linalg.lstsq(inputs, np.eye(3)[LABELS], rcond=None)
    np.testing.assert_allclose(model.state_dict()["1.weight"], expected[:-1].T, atol=1e-3)
    np.testing.assert_allclose(model.state_dict()["1.bias"], expected[-1], atol=1e-3)


def test_a_batch_is_worked_through_in_parts_that_give_the_loss_and_gradient_of_the_whole(images, monkeypatch):
    whole, parts = small_network(), small_network()
    expected = fc.fit_full_batch(whole, nn.CrossEntropyLoss(), images, LABELS, max_iterations=1)
    monkeypatch.setattr(full_batch, "CHUNK", 16)
    result = fc.fit_full_batch(parts, nn.CrossEntropyLoss(), images, LABELS, max_iterations=1)
    np.testing.assert_allclose(result.history.f, expected.history.f, rtol=1e-6)
    np.testing.assert_allclose(result.history.gradient_norm, expected.history.gradient_norm, rtol=1e-5)
    np.testing.assert_allclose(result.x, expected.x, rtol=1e-4, atol=1e-6)


def test_a_run_has_the_same_bits_for_any_number_of_threads(images, num_threads):
    states = []
    for count in (1, 3):
        num_threads(count)
        model = small_network()
        fc.fit_full_batch(model, nn.CrossEntropyLoss(), images, LABELS, max_iterations=10)
        states.append(model.state_dict())
    assert_same_bits(*states)


def test_frozen_layers_stay_as_they_are(images):
    model = small_network()
    before = model.state_dict()
    model.layers[0].trainable = False
    result = fc.fit_full_batch(model, nn.CrossEntropyLoss(), images, LABELS, max_iterations=3)
    after = model.state_dict()
    assert result.x.size == before["4.weight"].size + before["4.bias"].size
    assert_same_bits({name: after[name] for name in ("0.weight", "0.bias")},
                     {name: before[name] for name in ("0.weight", "0.bias")})
    assert (after["4.weight"] != before["4.weight"]).any()


def test_bytes_are_normalised_as_the_model_says():
    images = pixels(0, 40, 1, 6, 6)
    model = small_network()
    model.set_images([0.4], [0.3])
    result = fc.fit_full_batch(model, nn.CrossEntropyLoss(), images, LABELS, max_iterations=5)
    value, _ = fc.value_and_grad(model, nn.CrossEntropyLoss(), images, LABELS)
    assert result.f == value < result.history.f[0]


def test_an_interrupted_run_leaves_the_best_parameters_so_far(images):
    model, points = small_network(), []

    def stop(point):
        points.append(point)
        if len(points) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fc.fit_full_batch(model, nn.CrossEntropyLoss(), images, LABELS, callback=stop)
    np.testing.assert_array_equal(flat(model.state_dict()), points[-1].x.astype(np.float32))
    value, _ = fc.value_and_grad(model, nn.CrossEntropyLoss(), images, LABELS)
    assert value == points[-1].f < points[0].f


def test_where_no_step_can_be_found_the_model_is_what_it_was():
    model = small_network()
    before = model.state_dict()
    images = np.full((4, 1, 6, 6), np.nan, np.float32)
    with pytest.raises(DataError, match="f is nan at x0"):
        fc.fit_full_batch(model, nn.CrossEntropyLoss(), images, LABELS[:4])
    assert_same_bits(model.state_dict(), before)


@pytest.mark.parametrize(("x", "labels", "error", "message"), [
    (normal(0, 0, 1, 6, 6), LABELS[:0], DataError, "expected at least one image"),
    (normal(0, 4, 3, 6, 6), LABELS[:4], ShapeError, r'Conv2d "0": expected \(N, 1, H, W\), got \(4, 3, 6, 6\)'),
    (normal(0, 4, 1, 6, 6), LABELS[:3], ShapeError, r"expected labels \(4,\), one per image, got \(3,\)"),
])
def test_what_value_and_grad_refuses_is_refused(x, labels, error, message):
    with pytest.raises(error, match=message):
        fc.fit_full_batch(small_network(), nn.CrossEntropyLoss(), x, labels)


@pytest.mark.parametrize("model", [nn.Sequential(nn.Flatten()), nn.Sequential(nn.Flatten(), nn.Linear(36, 3))])
def test_a_model_with_nothing_to_train_is_refused(model: Layer, images):
    model.trainable = False
    with pytest.raises(DataError, match="the model has no trainable parameters"):
        fc.fit_full_batch(model, nn.MSELoss(), images, normal(0, *model.output_shape(images.shape)))
