"""Every optimizer: fifty steps on random tensors, against PyTorch and against the reference, both in float64."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastconv import optim, reference
from fastconv.engine.parameter import Parameter
from fastconv.engine.program import Program, in_turn, new_batch_table
from fastconv.engine.update import StepUnits
from fastconv.optim import OPTIMIZERS
from fastconv.optim.run import OptimizerRun
from tests.networks import normal
from tests.strategies import seeds
from tests.updates import Stepper

TOLERANCE = 1e-5
STEPS = 50

#: By PyTorch's class: the hyper-parameters of both.
VARIANTS = {
    "SGD": [{"lr": 0.1}, {"lr": 0.1, "weight_decay": 0.1}, {"lr": 0.1, "momentum": 0.9},
            {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01},
            {"lr": 0.05, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1}],
    "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5}],
    "Adadelta": [{}, {"lr": 0.5, "rho": 0.5, "eps": 1e-3, "weight_decay": 0.1}],
    "RMSprop": [{}, {"alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}, {"momentum": 0.9}, {"centered": True},
                {"centered": True, "momentum": 0.5, "alpha": 0.9}],
    "Adam": [{}, {"betas": (0.5, 0.9), "eps": 0.1, "weight_decay": 0.5}, {"amsgrad": True},
             {"amsgrad": True, "betas": (0.5, 0.9), "weight_decay": 0.1}],
    "AdamW": [{}, {"lr": 0.02, "weight_decay": 0.5}, {"lr": 0.02, "amsgrad": True, "betas": (0.9, 0.9)}],
    "NAdam": [{}, {"betas": (0.5, 0.9), "weight_decay": 0.1, "momentum_decay": 0.1},
              {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}],
}
ALL = [(name, options) for name, variants in VARIANTS.items() for options in variants]


def rates(lr):
    """Of fifty steps, not all the same."""
    return [lr * (1.0 if step % 3 else 0.5) for step in range(STEPS)]


def gradients(seed, size):
    """Some of them as small as a network's can be."""
    scales = 10.0 ** -np.random.default_rng(seed).integers(0, 4, size)
    return [(normal(seed + step, size) * scales).astype(np.float32) for step in range(STEPS)]


def after_steps(optimizer, seed, size, cuts=(), **options):
    """The parameter after fifty steps of the kernels."""
    stepper = Stepper(optimizer, normal(seed, size), cuts, **options)
    for grad, lr in zip(gradients(seed, size), rates(optimizer.lr), strict=True):
        stepper.step(grad, lr)
    return stepper


@pytest.mark.parametrize(("name", "options"), ALL, ids=lambda value: str(value))
@settings(max_examples=8)
@given(seed=seeds, size=st.integers(1, 70) | st.integers(71, 3000), cuts=st.lists(st.integers(1, 3000), max_size=3))
def test_fifty_steps_are_those_of_pytorch(name, options, seed, size, cuts):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    optimizer = getattr(optim, name)(**options)
    parameter = torch.tensor(normal(seed, size)).double()
    theirs = getattr(torch.optim, name)([parameter], **options)
    for grad, lr in zip(gradients(seed, size), rates(optimizer.lr), strict=True):
        theirs.param_groups[0]["lr"] = lr
        parameter.grad = torch.tensor(grad).double()
        theirs.step()
    ours = after_steps(optimizer, seed, size, [cut for cut in cuts if cut < size])
    ours.assert_close_to(parameter.numpy(), TOLERANCE)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5, "weight_decay": 0.1}])
@given(seed=seeds, size=st.integers(1, 300))
def test_sgdw_is_the_papers_first_algorithm(options, seed, size):
    optimizer = optim.SGDW(0.1, **options)
    theta, m = normal(seed, size).astype(np.float64), np.zeros(size)
    for grad, lr in zip(gradients(seed, size), rates(0.1), strict=True):
        theta, m = reference.sgdw(theta, grad.astype(np.float64), m, 0.1, eta=lr / 0.1, **options)
    after_steps(optimizer, seed, size).assert_close_to(theta, TOLERANCE)


@given(seed=seeds, size=st.integers(1, 300), weight_decay=st.sampled_from([0.0, 1e-2, 0.1]))
def test_adamw_without_decay_by_lr_is_the_papers_second_algorithm(seed, size, weight_decay):
    optimizer = optim.AdamW(0.02, weight_decay=weight_decay, decay_by_lr=False)
    theta, m, v = normal(seed, size).astype(np.float64), np.zeros(size), np.zeros(size)
    for step, (grad, lr) in enumerate(zip(gradients(seed, size), rates(0.02), strict=True), start=1):
        theta, m, v = reference.adamw_of_the_paper(theta, grad.astype(np.float64), m, v, step, 0.02,
                                                   weight_decay=weight_decay, eta=lr / 0.02)
    after_steps(optimizer, seed, size).assert_close_to(theta, TOLERANCE)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_step_has_the_same_bits_for_any_number_of_threads_and_wherever_units_begin(name, num_threads):
    optimizer, results = OPTIMIZERS[name](), []
    for count, cuts in ((1, range(64, 5000, 64)), (3, range(64, 5000, 64)), (2, [])):
        num_threads(count)
        results.append(after_steps(optimizer, 0, 5000, cuts).theta)
    for one, other in pairwise(results):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_update_writes_nothing_outside_its_range(name):
    theta, parameter, table = normal(0, 40), Parameter((40,)), new_batch_table()
    parameter.set(theta)
    run = OptimizerRun(OPTIMIZERS[name](), {"parameter": parameter}, average=optim.PolyakAverage())
    stages = run.update.stages([StepUnits(parameter, np.ones(40, np.float32), [], [(3, 21)])], table)
    program = Program(in_turn(stages), table, 0, workers=1)
    run.begin(0.1)
    program.run()
    run.end(0.1)
    state = run.state_dict()
    for array in (parameter.array - theta, state["average.parameter"] - theta,
                  *(state[f"optimizer.parameter.{kind}"] for kind in run.optimizer.state if kind != "velocity")):
        assert array[3:24].all()
        assert not array[:3].any()
        assert not array[24:].any()


def test_rmsprop_survives_a_variance_that_rounding_makes_negative():
    stepper = Stepper(optim.RMSprop(lr=1e-6, centered=True, alpha=0.5), np.ones(16, np.float32))
    for _ in range(STEPS):
        stepper.step(np.full(16, 0.1, np.float32))
    assert np.isfinite(stepper.theta).all()


@pytest.mark.parametrize(("make", "message"), [
    (partial(optim.SGD, -0.1), "lr must be at least 0, got -0.1"),
    (partial(optim.SGD, 0.1, 0.9, True, dampening=0.5), "a dampening of 0, got 0.9 and 0.5"),
    (partial(optim.SGDW, 0.0), "lr must be above 0, got 0.0"),
    (partial(optim.SGDW, 0.1, weight_decay=-1), "weight_decay must be at least 0, got -1"),
    (partial(optim.AdamW, 0.0, decay_by_lr=False), "lr must be above 0, got 0.0"),
    (partial(optim.NAdam, momentum_decay=-1), "momentum_decay must be at least 0, got -1"),
    (partial(optim.Adagrad, eps=-1), "eps must be at least 0, got -1"),
    (partial(optim.Adadelta, rho=1.0), "rho must be at least 0 and less than 1, got 1.0"),
    (partial(optim.RMSprop, alpha=1.5), "alpha must be at least 0 and less than 1, got 1.5"),
    (partial(optim.SWATS, tolerance=0.0), "tolerance must be above 0, got 0.0"),
    (partial(optim.SWATS, betas=(1.0, 0.9)), r"betas\[0\] must be at least 0 and less than 1, got 1.0"),
])
def test_hyper_parameters_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
