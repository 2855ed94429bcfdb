"""The networks of MLPerf Tiny and ResNet-20: their sizes, and against the same networks in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import models, nn, optim
from fastconv.nn.summary import summarize
from tests.networks import normal
from tests.oracles import assert_close
from tests.twins import assert_trains_as_torch, step_of_torch, to_torch

TOLERANCE = 1e-5  # some hundred roundings of float32
GRADIENT_TOLERANCE = 3e-5  # through up to twenty Winograd convolutions, of 5e-6 each at most
TRAINED = 1e-3  # three steps, each of which passes on the roundings of those before it

IMAGES = {"resnet8": (3, 32, 32), "resnet20": (3, 32, 32), "se_resnet20": (3, 32, 32), "ds_cnn": (1, 49, 10)}

every = pytest.mark.parametrize("name", IMAGES)


@pytest.mark.parametrize(("name", "parameters", "multiply_adds"), [
    ("resnet8", 78_186, 12_501_632), ("resnet20", 272_474, 40_813_184),
    ("se_resnet20", 274_847, 40_815_200), ("ds_cnn", 23_756, 2_656_768)])
def test_a_network_has_the_size_it_is_known_for(name, parameters, multiply_adds):
    model = models.MODELS[name]()
    assert model.parameter_count == parameters
    assert sum(layer.multiply_adds for layer in summarize(model, IMAGES[name])) == multiply_adds


@pytest.mark.parametrize("activation", nn.ACTIVATIONS)
def test_resnet8_takes_every_activation(activation):
    model = models.resnet8(5, nn.ACTIVATIONS[activation])
    assert model.output_shape((2, *IMAGES["resnet8"])) == (2, 5)


def test_resnet20_takes_meta_acon():
    """Seven activations of 16 channels, six of 32 and six of 64, each with 35 parameters a channel and 16 more."""
    model = models.resnet20(activation=nn.MetaAconC)
    assert model.parameter_count == 272_474 + sum(n * (35 * c + 16) for n, c in ((7, 16), (6, 32), (6, 64)))
    assert model.output_shape((2, *IMAGES["resnet20"])) == (2, 10)


@every
@pytest.mark.parametrize("batch", [1, 18])
def test_logits_are_those_of_pytorch(torch, name, batch):
    model, x = models.MODELS[name](), normal(0, batch, *IMAGES[name])
    with torch.no_grad():
        expected = to_torch(model).eval()(torch.tensor(x).double()).numpy()
    assert_close(model(x), expected, TOLERANCE)


@every
def test_loss_and_gradients_are_those_of_pytorch(torch, name):
    """With Tanh: among so many values a ReLU always has some that rounding puts on its other side."""
    model = models.MODELS[name](activation=nn.ACTIVATIONS["tanh"])
    x, labels = normal(1, 18, *IMAGES[name]), np.arange(18) % 10
    assert_trains_as_torch(model, x, labels, TOLERANCE, GRADIENT_TOLERANCE)


@every
def test_training_takes_the_way_of_pytorch(torch, name):
    model = models.MODELS[name](activation=nn.ACTIVATIONS["tanh"])
    twin, trainer = to_torch(model).train(), fc.Trainer(model, optim.SGD(lr=0.01, momentum=0.9))
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.01, momentum=0.9)
    for step in range(3):
        x, labels = normal(step, 18, *IMAGES[name]), np.arange(18) % 10
        step_of_torch(twin, optimizer, x, labels)
        trainer.step(x, labels)
    for key, array in model.state_dict().items():
        expected = twin.state_dict()[key].numpy()
        np.testing.assert_allclose(array, expected, rtol=0, atol=TRAINED * max(np.abs(expected).max(), 0.01),
                                   err_msg=key)


def test_training_learns(torch):
    x, labels = normal(0, 48, *IMAGES["ds_cnn"]), np.arange(48) % 4
    trainer = fc.Trainer(models.ds_cnn(4), optim.Adam(lr=3e-3))
    losses = [trainer.step(x, labels) for _ in range(30)]
    assert losses[-1] < 0.1 * losses[0]
