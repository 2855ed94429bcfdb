"""Gradient descent with a line search."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import optim
from fastconv.optim.objective import Objective


def test_it_goes_along_the_steepest_descent():
    points = []
    optim.minimize(lambda x: (float(x @ x), 2 * x), [3.0, 4.0], method=optim.GradientDescent(), callback=points.append)
    move = points[1].x - points[0].x
    np.testing.assert_allclose(move / np.linalg.norm(move), [-0.6, -0.8])


def test_its_first_step_has_at_most_a_length_of_1():
    method = optim.GradientDescent()
    for gradient, length in ((np.array([30.0, 40.0]), 1.0), (np.array([0.3, 0.4]), 0.5)):
        start = optim.Point(np.zeros(2), 0.0, gradient)
        direction = method.direction(Objective(lambda x: 0.0, None), start, ())
        assert np.linalg.norm(method.first_step(start, direction, ()) * direction) == pytest.approx(length)


@pytest.mark.parametrize("condition", [4.0, 25.0])
def test_exact_steps_from_the_worst_start_shrink_f_as_theory_says(condition):
    """f₊ - f* = ((κ - 1)/(κ + 1))² (f - f*) (Nocedal & Wright 2006, Theorem 3.3 and Akaike 1959)."""
    result = optim.minimize(
        lambda x: (float(x[0] ** 2 + condition * x[1] ** 2) / 2, x * [1, condition]), [condition, 1.0],
        method=optim.GradientDescent(optim.ExactQuadratic()), max_iterations=20, tolerance=0.0)
    f = result.history.f
    np.testing.assert_allclose(f[1:] / f[:-1], ((condition - 1) / (condition + 1)) ** 2, rtol=1e-6)


@pytest.mark.parametrize("search", [optim.Armijo(), optim.Armijo(contraction=0.8), optim.StrongWolfe()])
def test_a_step_that_has_become_short_grows_again(search):
    """From a place so steep that only tiny steps lower f, into a wide valley."""

    def f(x):
        return float(np.hypot(1, 1e4 * x[0]) + 1e-2 * x[1] ** 2), np.array(
            [1e8 * x[0] / np.hypot(1, 1e4 * x[0]), 2e-2 * x[1]])

    result = optim.minimize(f, [1.0, 0.0], method=optim.GradientDescent(search), max_iterations=300)
    assert result.converged, result.message
