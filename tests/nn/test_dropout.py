"""Dropout in a network: when it drops what, its gradient, and training that goes on where it was interrupted."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn, optim, reference
from fastconv.errors import ShapeError
from tests.expected import in_float64, mean_loss
from tests.networks import assert_same_bits, normal
from tests.oracles import assert_close
from tests.twins import value_and_grad_of_torch

TOLERANCE = 1e-5  # some hundred roundings of float32

X, LABELS = normal(0, 37, 2, 6, 6), np.arange(37) % 3

both = pytest.mark.parametrize("make", [nn.Dropout, nn.Dropout2d])


def network() -> nn.Sequential:
    """Dropout of pixels, where a value has several readers, of channels and of features."""
    block = nn.Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Dropout(0.3)), nn.Dropout2d(0.5))
    return nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Dropout2d(0.25), block, nn.Tanh(), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))


def without(model: nn.Sequential) -> nn.Sequential:
    """A first dropout taken away, with the same weights elsewhere."""
    twin = nn.Sequential(nn.Sequential(), *model[1:])
    twin.load_state_dict(model.state_dict())
    return twin


def trained(trainer: fc.Trainer, steps: int) -> None:
    for _ in range(steps):
        trainer.step(X, LABELS)


@both
def test_inference_drops_nothing(make):
    np.testing.assert_array_equal(make(0.9)(X), X)


@both
@pytest.mark.parametrize(("seed", "step"), [(0, 0), (0, 2), (5, 0), (2**40, 1)])
def test_a_trainers_seed_and_step_say_what_is_dropped(make, seed, step):
    model, targets = nn.Sequential(make(0.4)), normal(1, *X.shape)
    trainer = fc.Trainer(model, optim.SGD(0.1), nn.MSELoss(), seed=seed)
    losses = [trainer.step(X, targets) for _ in range(step + 1)]
    drop = reference.dropout if make is nn.Dropout else reference.dropout2d
    y = drop(X.astype(np.float64), 0.4, 0, step, seed)
    assert losses[-1] == pytest.approx(mean_loss(nn.MSELoss(), y, targets), rel=TOLERANCE)


def test_loss_and_gradients_are_those_of_pytorch_with_the_same_masks():
    pytest.importorskip("torch")
    model = network()
    expected_loss, expected = value_and_grad_of_torch(model, nn.CrossEntropyLoss(), X, LABELS)
    loss, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), X, LABELS)
    assert loss == pytest.approx(expected_loss, rel=TOLERANCE)
    for name, grad in expected.items():
        assert_close(grads[name], grad, 3 * TOLERANCE)


def test_value_and_grad_is_a_trainers_first_step_with_seed_0():
    model = network()
    before = in_float64(model.state_dict())
    loss, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), X, LABELS)
    assert fc.Trainer(model, optim.SGD(0.5)).step(X, LABELS) == loss
    for name, array in model.state_dict().items():
        np.testing.assert_allclose(array, before[name] - 0.5 * grads[name], rtol=1e-6, atol=1e-7)


def test_two_layers_of_a_network_drop_different_values():
    loss, _ = fc.value_and_grad(nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5)), nn.MSELoss(), np.ones_like(X),
                                np.zeros_like(X))
    assert loss == pytest.approx(16 / 4, rel=0.1)  # a quarter of the values is left, each of them 4; else 8


def test_evaluation_drops_nothing():
    model = nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(72, 3))
    trainer = fc.Trainer(model, optim.SGD(0.1))
    assert trainer.evaluate((X, LABELS)) == fc.Trainer(without(model), optim.SGD(0.1)).evaluate((X, LABELS))


@both
@pytest.mark.parametrize("off", ["frozen", "p = 0"])
def test_a_layer_that_is_frozen_or_drops_nothing_passes_everything_on(make, off):
    model = nn.Sequential(make(0.0 if off == "p = 0" else 0.5), nn.Flatten(), nn.Linear(72, 3))
    model[0].trainable = off == "p = 0"
    loss, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), X, LABELS)
    expected, others = fc.value_and_grad(without(model), nn.CrossEntropyLoss(), X, LABELS)
    assert loss == expected
    assert_same_bits(grads, others)


def test_freezing_one_layer_changes_nothing_that_another_drops():
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.25))
    model[0].trainable = False
    loss, _ = fc.value_and_grad(model, nn.MSELoss(), X, np.zeros_like(X))
    expected = reference.dropout(X.astype(np.float64), 0.25, stream=1)
    assert loss == pytest.approx(np.mean(expected**2), rel=TOLERANCE)


@both
def test_all_are_dropped_with_probability_1(make):
    loss, _ = fc.value_and_grad(make(1.0), nn.MSELoss(), X, np.ones_like(X))
    assert loss == 1.0


def test_training_has_the_same_bits_for_any_number_of_threads(num_threads):
    states = []
    for count in (1, 2, 3):
        num_threads(count)
        model = network()
        trained(fc.Trainer(model, optim.AdamW(0.01), seed=3), 3)
        states.append(model.state_dict())
    assert_same_bits(states[1], states[0])
    assert_same_bits(states[2], states[0])


def test_another_seed_trains_another_model():
    states = []
    for seed in (0, 1):
        model = network()
        trained(fc.Trainer(model, optim.SGD(0.1), seed=seed), 1)
        states.append(model.state_dict())
    assert np.any(states[0]["0.weight"] != states[1]["0.weight"])


def test_training_resumed_from_a_state_drops_what_an_uninterrupted_one_does():
    model, resumed = network(), network()
    trainer, continued = fc.Trainer(model, optim.Adam(0.01), seed=11), fc.Trainer(resumed, optim.Adam(0.01))
    trained(trainer, 3)
    resumed.load_state_dict(model.state_dict())
    continued.load_state_dict(trainer.state_dict())
    trained(trainer, 3)
    trained(continued, 3)
    assert_same_bits(resumed.state_dict(), model.state_dict())
    assert_same_bits(continued.state_dict(), trainer.state_dict())


@pytest.mark.parametrize(("p", "error", "message"), [
    (-0.1, ValueError, "p must be from 0 to 1, got -0.1"), (1.5, ValueError, "p must be from 0 to 1, got 1.5"),
    (float("nan"), ValueError, "p must be finite"), ("0.5", TypeError, "p must be a number, got '0.5'")])
@both
def test_a_probability_that_is_none_is_refused(make, p, error, message):
    with pytest.raises(error, match=message):
        make(p)


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (2**63, ValueError), (0.5, TypeError)])
def test_a_seed_that_is_none_is_refused(seed, error):
    with pytest.raises(error, match="seed must be"):
        fc.Trainer(network(), optim.SGD(0.1), seed=seed)


def test_channels_are_dropped_of_images_only():
    with pytest.raises(ShapeError, match=r"Dropout2d: expected \(N, C, H, W\), got \(3, 4\)"):
        nn.Dropout2d()(normal(0, 3, 4))
