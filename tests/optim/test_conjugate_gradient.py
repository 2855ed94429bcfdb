"""Nonlinear conjugate gradients: their formulas, and when they start anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from fastconv import optim
from fastconv.optim.method import Step
from fastconv.optim.objective import Objective
from tests.problems import Quadratic, log_sum_exp, quadratics
from tests.strategies import seeds

BETAS = (optim.polak_ribiere, optim.fletcher_reeves, optim.hestenes_stiefel, optim.dai_yuan)


def point(gradient):
    return optim.Point(np.zeros(2), 0.0, np.array(gradient))


def step(before, after, direction):
    return Step(point(before), np.array(direction), 1.0, point(after))


@pytest.mark.parametrize(("beta", "expected"), [
    (optim.fletcher_reeves, 5 / 25), (optim.polak_ribiere, (5 - 2) / 25),
    (optim.hestenes_stiefel, (5 - 2) / 8), (optim.dai_yuan, 5 / 8),
])
def test_each_formula_for_beta_by_hand(beta, expected):
    # g₊ᵀg₊ = 5, gᵀg = 25, g₊ᵀg = 2, (g₊ - g)ᵀp = 8
    assert beta(step(before=[3.0, 4.0], after=[2.0, -1.0], direction=[-3.0, -1.0])) == pytest.approx(expected)


def test_polak_ribiere_is_never_negative():
    assert optim.polak_ribiere(step(before=[2.0, 0.0], after=[1.0, 0.0], direction=[-2.0, 0.0])) == 0


@given(quadratics())
def test_all_formulas_agree_after_an_exact_step_on_a_quadratic(quadratic):
    problem = quadratic.problem
    objective = Objective(problem.f, problem.gradient)
    start = objective.start(problem.start)
    direction = -start.gradient
    length = direction @ direction / (direction @ quadratic.matrix @ direction)
    taken = Step(start, direction, length, objective.at(start.x + length * direction))
    first, *others = (beta(taken) for beta in BETAS)
    np.testing.assert_allclose(others, first, rtol=1e-6, atol=1e-12)


def test_gradients_that_are_far_from_orthogonal_start_it_anew():
    method, objective = optim.ConjugateGradient(optim.fletcher_reeves), Objective(lambda x: 0.0, lambda x: x)
    kept, dropped = (step([1.0, overlap], [0.0, 1.0], [-1.0, 0.0]) for overlap in (0.1, 0.3))
    np.testing.assert_allclose(method.direction(objective, kept.after, [kept]), [-1 / 1.01, -1])
    np.testing.assert_array_equal(method.direction(objective, dropped.after, [dropped]), [0, -1])


def test_the_first_direction_is_the_steepest_descent():
    start = point([3.0, -4.0])
    direction = optim.ConjugateGradient().direction(Objective(lambda x: 0.0, None), start, ())
    np.testing.assert_array_equal(direction, [-3, 4])


@given(seed=seeds)
def test_a_beta_that_leads_uphill_is_forgotten(seed):
    problem = log_sum_exp(4, seed)
    uphill = optim.ConjugateGradient(lambda step: -1e6)
    result = optim.minimize(problem.f, problem.start, problem.gradient, uphill)
    assert result.converged, result.message


def test_it_needs_far_fewer_iterations_than_gradient_descent():
    problem = Quadratic(tuple(np.geomspace(1, 1000, 30)), 0).problem
    conjugate, descent = (optim.minimize(problem.f, problem.start, problem.gradient, method, max_iterations=5000)
                          for method in (optim.ConjugateGradient(), optim.GradientDescent(optim.StrongWolfe())))
    assert conjugate.converged
    assert 4 * conjugate.iterations < descent.iterations
