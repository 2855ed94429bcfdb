"""Stochastic gradient descent: steps of a Trainer against the reference and against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn, optim, reference
from tests.expected import in_float64
from tests.networks import normal, small_network
from tests.oracles import assert_close
from tests.twins import step_of_torch, to_torch

TOLERANCE = 1e-6  # some ten roundings of float32
STEPS = 5

LABELS = np.arange(17) % 3
BATCHES = [normal(seed, 17, 1, 6, 6) for seed in range(STEPS)]

every_variant = pytest.mark.parametrize("options", [
    {"lr": 0.1},
    {"lr": 0.1, "weight_decay": 0.1},
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    {"lr": 0.05, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1},
], ids=["plain", "decay", "momentum", "nesterov", "all"])


@every_variant
def test_steps_are_those_of_the_reference_on_the_same_gradients(options):
    model = small_network()
    trainer, theta = fc.Trainer(model, optim.SGD(**options)), in_float64(model.state_dict())
    velocity = {name: np.zeros(array.shape) for name, array in theta.items()}
    for x in BATCHES:
        _, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, LABELS)
        for name, grad in in_float64(grads).items():
            theta[name], velocity[name] = reference.sgd(theta[name], grad, velocity[name], **options)
        trainer.step(x, LABELS)
    for name, array in model.state_dict().items():
        assert_close(array, theta[name], TOLERANCE)


@every_variant
def test_weights_are_those_of_pytorch_after_a_few_steps(options):
    torch = pytest.importorskip("torch")
    model = small_network()
    twin, trainer = to_torch(model), fc.Trainer(model, optim.SGD(**options))
    optimizer = torch.optim.SGD(twin.parameters(), **options)
    for x in BATCHES:
        step_of_torch(twin, optimizer, x, LABELS)
        trainer.step(x, LABELS)
    for name, parameter in twin.state_dict().items():
        assert_close(model.state_dict()[name], parameter.numpy(), 10 * TOLERANCE)


@pytest.mark.parametrize(("options", "message"), [
    ({"lr": -0.1}, "lr must be at least 0, got -0.1"),
    ({"lr": np.nan}, "lr must be at least 0, got nan"),
    ({"lr": np.inf}, "lr must be at least 0, got inf"),
    ({"lr": 0.1, "momentum": -0.9}, "momentum must be at least 0, got -0.9"),
    ({"lr": 0.1, "weight_decay": -1}, "weight_decay must be at least 0, got -1"),
    ({"lr": 0.1, "nesterov": True}, "nesterov needs a momentum above 0"),
])
def test_hyper_parameters_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        optim.SGD(**options)


def test_it_prints_its_hyper_parameters():
    assert repr(optim.SGD(0.1, 0.9)) == "SGD(lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0, dampening=0.0)"
