"""Switching from Adam to gradient descent: against the paper's algorithm in float64, and within a training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import fastconv as fc
from fastconv import optim, reference
from tests.networks import assert_same_bits, normal, small_network
from tests.strategies import seeds
from tests.updates import Stepper

TOLERANCE = 1e-5
STEPS = 50
X, LABELS = normal(0, 40, 1, 6, 6), np.arange(40) % 3


def quadratic(seed, size):
    """The gradient of a quadratic with curvatures from 0.1 to 1."""
    curvatures = np.random.default_rng(seed).uniform(0.1, 1, size)
    return lambda theta: curvatures * theta


@given(seed=seeds, size=st.integers(1, 2000), tolerance=st.sampled_from([1e-9, 3e-3, 1e-2, 1.0]))
def test_fifty_steps_are_the_papers_algorithm(seed, size, tolerance):
    theta, gradient = normal(seed, size), quadratic(seed, size)
    options = {"lr": 0.01, "betas": (0.9, 0.99), "tolerance": tolerance}
    exact, switched, sgd_lr = reference.swats(theta.astype(np.float64), gradient, STEPS, **options)
    assume(tolerance > 1e-6 or switched is None)  # no decision that rounding could take otherwise
    for other in (0.999, 1.001):
        assume(reference.swats(theta.astype(np.float64), gradient, STEPS,
                               **{**options, "tolerance": other * tolerance})[1] == switched)
    stepper = Stepper(optim.SWATS(**options), theta, cuts=range(100, size, 100))
    when = None
    for step in range(1, STEPS + 1):
        stepper.step(gradient(stepper.theta))
        if stepper.run.optimizer.switched and when is None:
            when = step
    assert when == switched
    stepper.assert_close_to(exact, TOLERANCE)
    assert stepper.run.optimizer.sgd_lr * 0.01 == pytest.approx(sgd_lr, rel=1e-4)


def test_it_takes_over_adams_rate_where_adam_moves_like_gradient_descent():
    """The gradient is the same everywhere, so Adam's change is -lr times it."""
    stepper = Stepper(optim.SWATS(lr=0.01, tolerance=1e-6), np.zeros(100, np.float32))
    switched = []
    for _ in range(3):
        stepper.step(np.ones(100))
        switched.append(stepper.run.optimizer.switched)
    assert switched == [False, True, True]
    assert stepper.run.optimizer.sgd_lr == pytest.approx(1.0, rel=1e-5)  # for each unit of Adam's


def test_a_schedule_scales_the_rate_after_the_switch():
    moved = []
    for lr in (0.01, 0.005):
        stepper = Stepper(optim.SWATS(lr=0.01, tolerance=1e-6), np.zeros(100, np.float32))
        for _ in range(2):
            stepper.step(np.ones(100))
        before = stepper.theta.copy()
        stepper.step(np.ones(100), lr)
        moved.append(stepper.theta - before)
    np.testing.assert_allclose(moved[0], -0.1 * 0.01, rtol=1e-4)  # (1 - β₁)Λ times a velocity of 1
    np.testing.assert_allclose(moved[1], -0.1 * 0.005, rtol=1e-4)


def test_a_gradient_of_zero_changes_nothing():
    stepper = Stepper(optim.SWATS(), np.ones(20, np.float32))
    for _ in range(3):
        stepper.step(np.zeros(20))
    assert (stepper.run.optimizer, stepper.run.steps) == (optim.SWATS(), 3)
    assert np.all(stepper.theta == 1)


@pytest.mark.parametrize("count", [2, 3])
def test_it_switches_in_the_same_step_to_the_same_rate_for_any_number_of_threads(count, num_threads):
    results = []
    for number in (1, count):
        num_threads(number)
        model = fc.models.lenet5()
        trainer = fc.Trainer(model, optim.SWATS(lr=0.01, tolerance=1e6))
        for step in range(6):
            trainer.step(normal(step, 40, 1, 28, 28), np.arange(40) % 10)
        results.append((trainer.optimizer, model.state_dict()))
    assert results[0][0].switched
    assert results[0][0] == results[1][0]
    assert_same_bits(results[1][1], results[0][1])


def test_all_parameters_of_a_network_count():
    """The products are those of the changes of a step, seen from outside."""
    model = small_network()
    start = model.state_dict()
    _, grads = fc.value_and_grad(model, fc.nn.CrossEntropyLoss(), X, LABELS)
    trainer = fc.Trainer(model, optim.SWATS(lr=0.01))
    trainer.step(X, LABELS)
    changes = {name: array.astype(np.float64) - start[name] for name, array in model.state_dict().items()}
    gamma = (sum(np.vdot(change, change) for change in changes.values())
             / -sum(np.vdot(changes[name], grad) for name, grad in grads.items()))
    assert trainer.optimizer.average / (1 - 0.999) == pytest.approx(gamma, rel=1e-4)
