"""Adam and AdamW: steps of a Trainer against the reference and against PyTorch."""

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

every_kind = pytest.mark.parametrize("name", ["Adam", "AdamW"])
every_variant = pytest.mark.parametrize("options", [
    {},
    {"lr": 0.02, "betas": (0.5, 0.9)},
    {"lr": 0.02, "betas": (0.0, 0.0)},
    {"lr": 0.02, "eps": 0.1},
    {"lr": 0.02, "weight_decay": 0.0},
    {"lr": 0.02, "weight_decay": 0.5},
], ids=["defaults", "betas", "no memory", "eps", "no decay", "decay"])


@every_kind
@every_variant
def test_steps_are_those_of_the_reference_on_the_same_gradients(name, options):
    model = small_network()
    step, trainer = getattr(reference, name.lower()), fc.Trainer(model, getattr(optim, name)(**options))
    theta = in_float64(model.state_dict())
    moments = {name: (np.zeros(array.shape), np.zeros(array.shape)) for name, array in theta.items()}
    for number, x in enumerate(BATCHES, start=1):
        _, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, LABELS)
        for key, grad in in_float64(grads).items():
            theta[key], *moments[key] = step(theta[key], grad, *moments[key], number, **options)
        trainer.step(x, LABELS)
    for key, array in model.state_dict().items():
        assert_close(array, theta[key], TOLERANCE)


@every_kind
@every_variant
def test_weights_are_those_of_pytorch_after_a_few_steps(name, options):
    torch = pytest.importorskip("torch")
    model = small_network()
    twin, trainer = to_torch(model), fc.Trainer(model, getattr(optim, name)(**options))
    optimizer = getattr(torch.optim, name)(twin.parameters(), **options)
    for x in BATCHES:
        step_of_torch(twin, optimizer, x, LABELS)
        trainer.step(x, LABELS)
    for key, parameter in twin.state_dict().items():
        assert_close(model.state_dict()[key], parameter.numpy(), 10 * TOLERANCE)


@every_kind
@pytest.mark.parametrize(("options", "message"), [
    ({"lr": -0.1}, r"lr must be at least 0, got -0\.1"),
    ({"lr": np.nan}, r"lr must be at least 0, got nan"),
    ({"eps": -1e-8}, r"eps must be at least 0, got -1e-08"),
    ({"weight_decay": -1}, r"weight_decay must be at least 0, got -1"),
    ({"betas": (1.0, 0.999)}, r"betas\[0\] must be at least 0 and less than 1, got 1\.0"),
    ({"betas": (0.9, 1.0)}, r"betas\[1\] must be at least 0 and less than 1, got 1\.0"),
    ({"betas": (-0.1, 0.999)}, r"betas\[0\] must be at least 0 and less than 1, got -0\.1"),
])
def test_hyper_parameters_out_of_range_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(optim, name)(**options)


def test_it_prints_its_hyper_parameters():
    assert repr(optim.AdamW(3e-3)) == ("AdamW(lr=0.003, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01, "
                                       "amsgrad=False, decay_by_lr=True)")
