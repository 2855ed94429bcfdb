"""LeNet-5 in NumPy is the network and the training step that fastconv's is measured beside."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv.nn import CrossEntropyLoss
from fastconv_bench.numpy_lenet import NumpyLeNet
from tests.expected import in_float64
from tests.networks import assert_same_bits, normal
from tests.oracles import assert_close

TOLERANCE = 1e-5  # some hundred roundings of float32

BATCH, LR = 20, 1e-3
X, LABELS = normal(1, BATCH, 1, 28, 28), np.arange(BATCH) % 10


@pytest.fixture
def model():
    model = fc.models.lenet5()
    model.init(0)
    return model


def test_logits_agree(model):
    assert_close(model(X), NumpyLeNet(in_float64(model.state_dict())).forward(X.astype(np.float64)), TOLERANCE)


def test_logits_in_float32_are_float32_and_agree(model):
    logits = NumpyLeNet(model.state_dict()).forward(X)
    assert logits.dtype == np.float32
    assert_close(logits, model(X), TOLERANCE)


def test_a_step_agrees(model):
    """AdamW's first step is lr in the direction of the gradient's sign; where that is only rounding it says nothing."""
    plain = NumpyLeNet(in_float64(model.state_dict()))
    _, gradients = fc.value_and_grad(model, CrossEntropyLoss(), X, LABELS)
    before = model.state_dict()
    expected_loss = plain.step(X.astype(np.float64), LABELS, LR)
    loss = fc.Trainer(model, fc.optim.AdamW(lr=LR)).step(X, LABELS)
    assert loss == pytest.approx(expected_loss, rel=TOLERANCE)
    for name, array in model.state_dict().items():
        gradient = np.abs(gradients[name])
        certain = (gradient > 1e-3 * gradient.max()) | (gradient == 0)
        assert certain.mean() > 0.9, name
        update, expected = array - before[name].astype(np.float64), plain.weights[name] - before[name]
        assert_close(update[certain], expected[certain], 1e-3)


def test_steps_lower_the_loss_alike(model):
    plain, trainer = NumpyLeNet(in_float64(model.state_dict())), fc.Trainer(model, fc.optim.AdamW(lr=LR))
    expected = [plain.step(X.astype(np.float64), LABELS, LR) for _ in range(8)]
    np.testing.assert_allclose([trainer.step(X, LABELS) for _ in range(8)], expected, rtol=1e-3)
    assert expected == sorted(expected, reverse=True)


def test_the_weights_it_starts_from_stay_as_they_are(model):
    weights = model.state_dict()
    copies = {name: array.copy() for name, array in weights.items()}
    NumpyLeNet(weights).step(X, LABELS, LR)
    assert_same_bits(weights, copies)
