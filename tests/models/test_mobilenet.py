"""MobileNet: its size, and against the same network written in PyTorch."""

from __future__ import annotations

import numpy as np

import fastconv as fc
from fastconv import models, nn, optim
from fastconv.nn.summary import summarize
from tests.networks import normal
from tests.oracles import assert_close
from tests.twins import assert_trains_as_torch

TOLERANCE = 1e-5  # some hundred roundings of float32
GRADIENT_TOLERANCE = 3e-5  # through 27 layers
IMAGE = 3, 96, 96


def twin_of(model):
    """The network of table 1 at width 0.25, with the model's weights, which are in the same order."""
    import torch
    from torch.nn import BatchNorm2d, Conv2d, ReLU

    torch.set_num_threads(1)
    layers = [Conv2d(3, 8, 3, 2, 1, bias=False), BatchNorm2d(8), ReLU()]
    for inputs, outputs, stride in [
            (8, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), *[(128, 128, 1)] * 5,
            (128, 256, 2), (256, 256, 1)]:
        layers += [Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), BatchNorm2d(inputs), ReLU(),
                   Conv2d(inputs, outputs, 1, bias=False), BatchNorm2d(outputs), ReLU()]
    network = torch.nn.Sequential(*layers, torch.nn.AvgPool2d(3), torch.nn.Flatten(), torch.nn.Linear(256, 2))
    arrays = map(torch.tensor, model.state_dict().values())
    network.load_state_dict(dict(zip(network.state_dict(), arrays, strict=True)))
    return network.double()


def test_a_network_has_the_size_it_is_known_for():
    """MLPerf Tiny counts 221,794 parameters: also the statistics, and 2,736 biases that this network is without."""
    model = models.mobilenet_v1()
    statistics = sum(array.size for name, array in model.state_dict().items() if name.endswith(("mean", "var")))
    assert model.parameter_count == 213_586 == 221_794 - 2_736 - statistics
    assert sum(layer.multiply_adds for layer in summarize(model, IMAGE)) == 7_489_664


def test_a_network_of_full_width_has_the_4_2_million_parameters_of_the_paper():
    assert models.mobilenet_v1(1000, 1.0).parameter_count == 4_231_976


def test_logits_are_those_of_pytorch(torch):
    model, x = models.mobilenet_v1(), normal(0, 18, *IMAGE)
    with torch.no_grad():
        expected = twin_of(model).eval()(torch.tensor(x).double()).numpy()
    assert_close(model(x), expected, TOLERANCE)


def test_loss_and_gradients_are_those_of_pytorch(torch):
    """With Tanh: among so many values a ReLU always has some that rounding puts on its other side."""
    model = models.mobilenet_v1(activation=nn.ACTIVATIONS["tanh"])
    x, labels = normal(1, 18, 3, 48, 48), np.arange(18) % 2
    assert_trains_as_torch(model, x, labels, TOLERANCE, GRADIENT_TOLERANCE)


def test_training_learns():
    x, labels = normal(0, 32, *IMAGE), np.arange(32) % 2
    trainer = fc.Trainer(models.mobilenet_v1(), optim.Adam(lr=3e-3))
    losses = [trainer.step(x, labels) for _ in range(15)]
    assert losses[-1] < 0.5 * losses[0]
