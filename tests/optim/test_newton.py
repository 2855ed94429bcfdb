"""Newton's method: its directions, its Hessians, and its speed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import optim
from fastconv.errors import ShapeError
from fastconv.optim.objective import Objective
from tests.problems import Quadratic, eigenvalues, log_sum_exp, rosenbrock
from tests.strategies import seeds


def saddle(x):
    """½x² - ½y² + ¼y⁴, with a saddle at 0 and minima at (0, ±1)."""
    return float(x[0] ** 2 / 2 - x[1] ** 2 / 2 + x[1] ** 4 / 4), np.array([x[0], x[1] ** 3 - x[1]])


@given(values=eigenvalues(0.5, 20), signs=st.lists(st.booleans(), min_size=8, max_size=8), seed=seeds)
def test_where_f_is_not_convex_the_direction_leads_downhill_by_the_absolute_eigenvalues(values, signs, seed):
    turned = [-value if sign else value for value, sign in zip(values, signs, strict=False)]
    indefinite, positive = Quadratic(tuple(turned), seed), Quadratic(values, seed)
    point = optim.Point(np.zeros(len(values)), 0.0, np.random.default_rng(seed).standard_normal(len(values)))
    method = optim.Newton(lambda x: indefinite.matrix)
    direction = method.direction(Objective(lambda x: 0.0, None), point, ())
    assert direction @ point.gradient < 0
    np.testing.assert_allclose(direction, -np.linalg.solve(positive.matrix, point.gradient), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("start", [(0.5, 0.1), (0.0, 1e-3), (1.0, -1e-6)])
def test_it_leaves_a_saddle_point(start):
    result = optim.minimize(saddle, start, method=optim.Newton(), tolerance=1e-20)
    assert result.converged, result.message
    np.testing.assert_allclose(np.abs(result.x), [0, 1], atol=1e-4)


@given(seed=seeds, n=st.integers(1, 6))
def test_differences_of_the_gradient_lead_where_the_hessian_leads(seed, n):
    problem = log_sum_exp(n, seed)
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2 * n, n)), rng.standard_normal(2 * n)

    def hessian(x):
        p = np.exp(a @ x + b - (a @ x + b).max())
        p /= p.sum()
        return a.T @ (np.diag(p) - np.outer(p, p)) @ a + np.eye(n) / 10

    objective = Objective(problem.f, problem.gradient)
    point = objective.start(problem.start)
    exact, differences = (method.direction(objective, point, ()) for method in (optim.Newton(hessian), optim.Newton()))
    np.testing.assert_allclose(differences, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())


def test_near_the_minimum_the_number_of_right_digits_doubles():
    problem = rosenbrock(np.array([1.1, 1.2]))
    points = []
    optim.minimize(problem.f, problem.start, problem.gradient, optim.Newton(), tolerance=1e-24, callback=points.append)
    errors = np.array([np.linalg.norm(point.x - 1) for point in points])
    assert errors[-1] < 1e-9
    assert len(errors) < 10
    late = errors[(errors < 0.1) & (errors > 1e-6)]
    assert np.all(errors[errors < 0.1][1:len(late) + 1] <= 100 * late**2)


def test_a_function_without_curvature_is_descended_as_by_its_gradient():
    result = optim.minimize(lambda x: (-float(x.sum()), -np.ones(2)), [0.0, 0.0], method=optim.Newton(),
                            max_iterations=3)
    np.testing.assert_array_equal(result.x, [3, 3])


def test_a_hessian_is_made_symmetric():
    lopsided = optim.Newton(lambda x: np.array([[2.0, 1.0], [0.0, 2.0]]))
    even = optim.Newton(lambda x: np.array([[2.0, 0.5], [0.5, 2.0]]))
    point, objective = optim.Point(np.zeros(2), 0.0, np.array([1.0, 2.0])), Objective(lambda x: 0.0, None)
    np.testing.assert_array_equal(lopsided.direction(objective, point, ()), even.direction(objective, point, ()))


@pytest.mark.parametrize("hessian", [1.0, np.ones(2), np.eye(3)])
def test_a_hessian_of_another_shape_is_refused(hessian):
    with pytest.raises(ShapeError, match=r"the Hessian: expected shape \(2, 2\), got \("):
        optim.minimize(saddle, [1.0, 1.0], method=optim.Newton(lambda x: hessian))


def test_a_hessian_that_is_not_finite_ends_the_run_with_what_was_reached():
    def hessian(x):
        return np.eye(2) if x[0] == 3 else np.full((2, 2), np.nan)

    result = optim.minimize(saddle, [3.0, 2.0], method=optim.Newton(hessian))
    assert not result.converged
    assert "the Hessian has NaN or infinite values at [" in result.message
    assert result.iterations == 1
