"""The network for digits: its size, against PyTorch, and what it learns."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import data, models, nn, optim
from tests.networks import normal
from tests.oracles import assert_close
from tests.twins import assert_trains_as_torch, to_torch

TOLERANCE = 2e-5  # through five Winograd convolutions, of 5e-6 each at most
GRADIENT_TOLERANCE = 3e-5


def test_there_are_170242_parameters():
    assert models.mnist_cnn().parameter_count == 170_242


@pytest.mark.parametrize("batch", [1, 18])
def test_logits_are_those_of_pytorch(torch, batch):
    model, x = models.mnist_cnn(), normal(0, batch, 1, 28, 28)
    with torch.no_grad():
        expected = to_torch(model).eval()(torch.tensor(x).double()).numpy()
    assert_close(model(x), expected, TOLERANCE)


def test_loss_and_gradients_are_those_of_pytorch(torch):
    """With Tanh: among so many values a ReLU always has some that rounding puts on its other side."""
    model = models.mnist_cnn(activation=nn.ACTIVATIONS["tanh"])
    x, labels = normal(1, 18, 1, 28, 28), np.arange(18) % 10
    assert_trains_as_torch(model, x, labels, TOLERANCE, GRADIENT_TOLERANCE)


def test_half_an_epoch_of_the_embedded_digits_teaches_it_nine_of_ten():
    train, test = data.digits()
    trainer = fc.Trainer(models.mnist_cnn(), optim.AdamW(lr=3e-3))
    half = train.images[:len(train) // 2], train.labels[:len(train) // 2]
    trainer.fit(half, epochs=1, batch_size=64, schedule=optim.OneCycle(max_lr=6e-3))
    assert trainer.evaluate(test)["accuracy"] > 0.9
