"""What theory says of a convex quadratic: how many steps conjugate gradients and Newton's method take, and the level
at which stochastic gradient descent with a constant step stays.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import optim, reference
from tests.problems import Quadratic, quadratics
from tests.strategies import seeds

BETAS = (optim.polak_ribiere, optim.fletcher_reeves, optim.hestenes_stiefel, optim.dai_yuan)
every_beta = pytest.mark.parametrize("beta", BETAS, ids=[beta.__name__ for beta in BETAS])

EXACT = 1e-16  # ‖∇f‖ has lost eight digits


def minimize(quadratic, method, tolerance=EXACT):
    problem = quadratic.problem
    return optim.minimize(problem.f, problem.start, problem.gradient, method, tolerance)


# --- Conjugate gradients: Hestenes & Stiefel 1952; Nocedal & Wright 2006, Theorems 5.1 and 5.4 ---


@every_beta
@given(quadratic=quadratics())
def test_conjugate_gradients_end_in_n_steps(beta, quadratic):
    result = minimize(quadratic, optim.ConjugateGradient(beta, optim.ExactQuadratic()))
    assert result.converged, result.message
    assert result.iterations <= len(quadratic.eigenvalues)


@every_beta
@given(values=st.lists(st.integers(1, 20), min_size=1, max_size=3, unique=True), seed=seeds)
def test_conjugate_gradients_take_as_many_steps_as_there_are_different_eigenvalues(beta, values, seed):
    quadratic = Quadratic(tuple(float(value) for value in values * 3), seed)
    result = minimize(quadratic, optim.ConjugateGradient(beta, optim.ExactQuadratic()))
    assert result.converged, result.message
    assert result.iterations == len(values)


@pytest.mark.parametrize("method", [
    optim.GradientDescent(optim.ExactQuadratic()),
    optim.ConjugateGradient(lambda step: 0.0, optim.ExactQuadratic()),
], ids=["gradient descent", "without conjugation"])
def test_without_conjugate_directions_n_steps_are_far_too_few(method):
    result = minimize(Quadratic((1.0, 4.0, 9.0, 25.0), 0), method, tolerance=1e-12)
    assert result.converged
    assert result.iterations > 40


# --- Newton's method: one step, since the quadratic model is f itself ---


@given(quadratic=quadratics())
def test_newton_ends_in_one_step(quadratic):
    result = minimize(quadratic, optim.Newton(lambda x: quadratic.matrix))
    assert result.converged, result.message
    assert result.iterations == 1
    np.testing.assert_allclose(result.x, quadratic.minimum, atol=1e-10)


@given(quadratic=quadratics())
def test_newton_ends_in_one_step_with_a_hessian_from_differences(quadratic):
    result = minimize(quadratic, optim.Newton())
    assert result.converged, result.message
    assert result.iterations == 1
    assert result.evaluations == 2 + 2 * len(quadratic.eigenvalues)


# --- Stochastic gradient descent with a constant step h ---
#
# For a convex f with its minimum at x*, unbiased gradients g and G² = E‖g‖², one step gives
#     E‖x₊ - x*‖² = E‖x - x*‖² - 2h E∇f(x)ᵀ(x - x*) + h²G²,   and   f(x) - f* ≤ ∇f(x)ᵀ(x - x*),
# so that the mean of f(x) - f* over K steps is at most ‖x₀ - x*‖²/(2hK) + hG²/2 (Nemirovski, Juditsky, Lan & Shapiro
# 2009, section 2.2). Once E‖x - x*‖² has settled, ∇f(x)ᵀ(x - x*) = hG²/2 on average, exactly; on a quadratic that is
# twice f(x) - f*, and E(f(x) - f*) = Σ_i hσ²/(2(2 - hλ_i)) for noise of variance σ² in each coordinate.

EIGENVALUES = np.array([0.5, 1.0, 2.0])
CHAINS, STEPS = 1000, 400


def half_squares(x):
    """Σ λx²/2 and its gradient, for x (chains, n)."""
    return (EIGENVALUES * x**2).sum(axis=1) / 2, EIGENVALUES * x


def log_cosh(x):
    """Σ log cosh x and its gradient: convex, with slopes of at most 1."""
    return np.log(np.cosh(x)).sum(axis=1), np.tanh(x)


def stochastic_descent(f, lr, start, skip=0):
    """Means over chains and over STEPS steps after `skip`: f, ∇f(x)ᵀx, ‖g‖², of reference.sgd with noise of σ = 1."""
    rng = np.random.default_rng(0)
    x, velocity = np.full((CHAINS, 3), start), np.zeros((CHAINS, 3))
    means = []
    for step in range(skip + STEPS):
        value, gradient = f(x)
        noisy = gradient + rng.standard_normal(x.shape)
        if step >= skip:
            means.append([value.mean(), (gradient * x).sum(axis=1).mean(), (noisy**2).sum(axis=1).mean()])
        x, velocity = reference.sgd(x, noisy, velocity, lr)
    return np.mean(means, axis=0)


@pytest.mark.parametrize("f", [half_squares, log_cosh])
@pytest.mark.parametrize("lr", [0.02, 0.1, 0.4])
def test_sgd_with_a_constant_step_stays_within_the_bound_of_theory(f, lr):
    start = 2.0
    level, _, squared = stochastic_descent(f, lr, start)
    assert level <= 3 * start**2 / (2 * lr * STEPS) + lr * squared / 2


@pytest.mark.parametrize("f", [half_squares, log_cosh])
@pytest.mark.parametrize("lr", [0.1, 0.2, 0.4])
def test_sgd_with_a_constant_step_stalls_where_its_steps_undo_each_other(f, lr):
    level, descent, squared = stochastic_descent(f, lr, start=0.0, skip=400)
    assert descent == pytest.approx(lr * squared / 2, rel=0.02)
    assert 0.4 * lr * squared / 2 <= level <= lr * squared / 2


@pytest.mark.parametrize("lr", [0.1, 0.2, 0.4])
def test_sgd_stalls_on_a_quadratic_at_half_the_bound(lr):
    level, _, squared = stochastic_descent(half_squares, lr, start=0.0, skip=400)
    assert level == pytest.approx((lr / (2 * (2 - lr * EIGENVALUES))).sum(), rel=0.02)
    assert level == pytest.approx(lr * squared / 4, rel=0.02)
