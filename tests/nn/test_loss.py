"""Losses: their values against the reference, and the targets they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import nn, reference
from fastconv.errors import DataError, DtypeError, ShapeError
from tests.networks import BATCH_SIZES, normal
from tests.strategies import seeds

TOLERANCE = 1e-6  # some ten roundings of float32

batches = st.sampled_from([size for size in BATCH_SIZES if size > 0])


def loss_of(loss, outputs, targets):
    """The mean loss of a network that makes these outputs."""
    return loss_and_gradient(loss, outputs, targets)[0]


def loss_and_gradient(loss, outputs, targets):
    """The mean loss of a network that makes these outputs, and the sum of its gradient over the images."""
    features = outputs.shape[1]
    layer = nn.Linear(features, features)
    layer.load_state_dict({"weight": np.eye(features), "bias": np.zeros(features)})
    value, grads = fc.value_and_grad(layer, loss, outputs, targets)
    return value, grads["bias"]


@given(seeds, batches, st.integers(1, 12), st.sampled_from([0.0, 0.1, 0.9, 1.0]))
def test_cross_entropy_agrees_with_the_reference(seed, batch, classes, label_smoothing):
    logits, labels = normal(seed, batch, classes), np.random.default_rng(seed).integers(0, classes, batch)
    losses, _ = reference.cross_entropy(logits.astype(np.float64), labels, label_smoothing)
    actual = loss_of(nn.CrossEntropyLoss(label_smoothing), logits, labels)
    assert actual == pytest.approx(losses.mean(), rel=TOLERANCE, abs=TOLERANCE)


@given(seeds, batches, st.integers(1, 12))
def test_mean_squared_error_agrees_with_the_reference(seed, batch, features):
    y, targets = normal(seed, batch, features), normal(seed + 1, batch, features)
    losses, _ = reference.mse(y.astype(np.float64), targets)
    assert loss_of(nn.MSELoss(), y, targets) == pytest.approx(losses.mean(), rel=TOLERANCE)


@given(seeds, batches)
def test_mean_squared_error_of_images_agrees_with_the_reference(seed, batch):
    x, targets = normal(seed, batch, 3, 4, 5), normal(seed + 1, batch, 3, 4, 5)
    losses, _ = reference.mse(np.maximum(x, 0).astype(np.float64), targets)
    loss, _ = fc.value_and_grad(nn.ReLU(), nn.MSELoss(), x, targets)
    assert loss == pytest.approx(losses.mean(), rel=TOLERANCE)


def test_labels_stand_for_one_hot_vectors_in_a_mean_squared_error():
    y, labels = normal(0, 17, 4), np.arange(17) % 4
    losses, _ = reference.mse(y.astype(np.float64), np.eye(4)[labels])
    assert loss_of(nn.MSELoss(), y, labels) == pytest.approx(losses.mean(), rel=TOLERANCE)


def test_cross_entropy_of_huge_logits_is_exact():
    logits = np.array([[1e4, 0, -1e4], [0, 1e4, -1e4], [-1e4, -1e4, -1e4]], np.float32)
    assert loss_of(nn.CrossEntropyLoss(), logits, [0, 0, 0]) == pytest.approx((0 + 1e4 + np.log(3)) / 3, rel=TOLERANCE)


def test_the_gradient_of_huge_logits_is_finite():
    _, gradient = loss_and_gradient(nn.CrossEntropyLoss(), np.array([[1e30, 0, -1e30]], np.float32), [1])
    np.testing.assert_allclose(gradient, [1, -1, 0], atol=TOLERANCE)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_output_that_is_not_finite_makes_the_loss_nan(value):
    logits = normal(0, 17, 4)
    logits[16, 3] = value
    assert np.isnan(loss_of(nn.CrossEntropyLoss(), logits, np.zeros(17, int)))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.uint64, np.int64, ">i2"])
def test_labels_may_be_of_any_integer_type(dtype):
    logits, labels = normal(0, 17, 4), np.arange(17) % 4
    expected = loss_of(nn.CrossEntropyLoss(), logits, labels)
    assert loss_of(nn.CrossEntropyLoss(), logits, labels.astype(dtype)) == expected


def test_labels_may_be_a_list():
    logits = normal(0, 3, 4)
    assert loss_of(nn.CrossEntropyLoss(), logits, [3, 0, 1]) == loss_of(
        nn.CrossEntropyLoss(), logits, np.array([3, 0, 1]))


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.1, np.nan])
def test_label_smoothing_is_a_share(label_smoothing):
    with pytest.raises(ValueError, match=f"label_smoothing must be from 0 to 1, got {label_smoothing}"):
        nn.CrossEntropyLoss(label_smoothing)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(), nn.MSELoss()])
@pytest.mark.parametrize(("labels", "error", "message"), [
    ([0, 1, 4], DataError, r"expected labels from 0 to 3, the model has 4 outputs; got 4 at index 2"),
    ([0, -1, 4], DataError, r"got -1 at index 1"),
    ([0, 1], ShapeError, r"expected labels \(3,\), one per image, got \(2,\)"),
])
def test_labels_that_do_not_fit_are_refused(loss, labels, error, message):
    with pytest.raises(error, match=message):
        loss_of(loss, normal(0, 3, 4), labels)


@pytest.mark.parametrize(("labels", "error", "message"), [
    ([[0], [1], [2]], ShapeError, r"expected labels \(3,\), one per image, got \(3, 1\)"),
    ([0.0, 1.0, 2.0], DtypeError, "expected integer labels, got float64"),
    ([True, False, True], DtypeError, "expected integer labels, got bool"),
    (["a", "b", "c"], DtypeError, "expected integer labels, got <U1"),
])
def test_cross_entropy_refuses_what_is_no_label(labels, error, message):
    with pytest.raises(error, match=message):
        loss_of(nn.CrossEntropyLoss(), normal(0, 3, 4), labels)


@pytest.mark.parametrize(("targets", "error", "message"), [
    (np.zeros((3, 5)), ShapeError, r"MSELoss: expected targets \(3, 4\), got \(3, 5\)"),
    (np.zeros(3), ShapeError, r"MSELoss: expected targets \(3, 4\), got \(3,\)"),
    (np.zeros((3, 4), np.int64), DtypeError, "MSELoss: expected floating-point targets, got int64"),
])
def test_mean_squared_error_refuses_targets_that_do_not_fit(targets, error, message):
    with pytest.raises(error, match=message):
        loss_of(nn.MSELoss(), normal(0, 3, 4), targets)


def test_cross_entropy_refuses_a_network_that_makes_images():
    with pytest.raises(ShapeError, match=r"CrossEntropyLoss: expected logits \(N, K\), one image makes \(3, 4, 5\)"):
        fc.value_and_grad(nn.ReLU(), nn.CrossEntropyLoss(), normal(0, 2, 3, 4, 5), [0, 1])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_far_logits_is_as_accurate_as_that_of_near_ones(smoothing):
    """The logarithm of the sum would be lost beside a logit of 1000."""
    logits = normal(0, 17, 5) + np.float32(1000)
    labels = np.arange(17) % 5
    expected = reference.cross_entropy(logits.astype(np.float64), labels, smoothing)[0].mean()
    assert loss_of(nn.CrossEntropyLoss(smoothing), logits, labels) == pytest.approx(expected, rel=TOLERANCE)


def test_losses_print_as_they_were_made():
    assert [repr(nn.CrossEntropyLoss(0.1)), repr(nn.MSELoss())] == [
        "CrossEntropyLoss(label_smoothing=0.1)", "MSELoss()"]
