"""Minimising by every method: SciPy's minima, how a run ends, and what it tells."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import optim
from tests.problems import convex_problems, himmelblau, rosenbrock, walled
from tests.strategies import seeds

METHODS = optim.METHODS | {
    "cg-hestenes-stiefel": lambda: optim.ConjugateGradient(optim.hestenes_stiefel),
    "cg-dai-yuan": lambda: optim.ConjugateGradient(optim.dai_yuan),
    "lbfgs-2": lambda: optim.LBFGS(history=2),
    "newton-wolfe": lambda: optim.Newton(line_search=optim.StrongWolfe()),
}
every_method = pytest.mark.parametrize("method", [make() for make in METHODS.values()], ids=list(METHODS))


def square(x):
    return float(x @ x), 2 * x


def assert_ended(result):
    """Asserts that a run converged, or as far as the rounding of f allows if it started near the minimum."""
    assert result.converged or "below the rounding error of f" in result.message, result.message


@every_method
@given(problem=convex_problems())
def test_the_minimum_of_a_convex_function_is_scipys(method, problem):
    scipy = pytest.importorskip("scipy.optimize")
    result = optim.minimize(problem.f, problem.start, problem.gradient, method, tolerance=1e-12, max_iterations=5000)
    expected = scipy.minimize(problem.f, problem.start, jac=problem.gradient, method="BFGS", options={"gtol": 1e-9})
    assert_ended(result)
    assert result.f <= expected.fun + 1e-8 * (1 + abs(expected.fun))
    np.testing.assert_allclose(result.x, expected.x, atol=1e-4)


@every_method
@given(n=st.integers(1, 6), seed=seeds)
def test_walls_where_f_is_not_finite_are_kept_away_from(method, n, seed):
    problem = walled(n, seed)
    c = problem.gradient(np.zeros(n))
    result = optim.minimize(problem.f, problem.start, problem.gradient, method, tolerance=1e-12)
    assert_ended(result)
    np.testing.assert_allclose(result.x, -c / (1 + np.sqrt(1 + c**2)), atol=1e-4)


@every_method
def test_rosenbrocks_valley_is_followed_to_scipys_minimum(method):
    scipy = pytest.importorskip("scipy.optimize")
    problem = rosenbrock(np.array([-1.2, 1.0]))
    result = optim.minimize(problem.f, problem.start, problem.gradient, method, tolerance=1e-12, max_iterations=20000)
    expected = scipy.minimize(scipy.rosen, problem.start, jac=scipy.rosen_der, method="L-BFGS-B").x
    assert result.converged, result.message
    np.testing.assert_allclose(result.x, expected, atol=1e-2)


@pytest.mark.parametrize("start", [(0.0, 0.0), (-4.0, 4.0), (-4.0, -4.0), (5.0, -3.0), (-0.27, -0.92)])
@every_method
def test_each_method_ends_at_a_minimum_of_himmelblau_that_scipy_keeps(method, start):
    scipy = pytest.importorskip("scipy.optimize")
    problem = himmelblau(np.array(start))
    result = optim.minimize(problem.f, problem.start, problem.gradient, method)
    kept = scipy.minimize(problem.f, result.x, jac=problem.gradient, method="BFGS", options={"gtol": 1e-10}).x
    assert result.converged, result.message
    assert result.f < 1e-6
    np.testing.assert_allclose(result.x, kept, atol=1e-3)


@pytest.mark.parametrize("n", [5, 20])
def test_lbfgs_needs_no_more_evaluations_than_scipys(n):
    scipy = pytest.importorskip("scipy.optimize")
    problem = rosenbrock(np.tile([-1.2, 1.0], n)[:n])
    expected = scipy.minimize(scipy.rosen, problem.start, jac=scipy.rosen_der, method="L-BFGS-B",
                              options={"ftol": 0, "gtol": 1e-5})
    tolerance = (np.linalg.norm(expected.jac) / np.linalg.norm(problem.gradient(problem.start))) ** 2
    result = optim.minimize(problem.f, problem.start, problem.gradient, optim.LBFGS(), tolerance)
    assert result.converged
    assert result.evaluations <= 1.25 * expected.nfev


@every_method
@given(problem=convex_problems())
def test_the_history_tells_each_iterate_and_f_never_rises(method, problem):
    points = []
    result = optim.minimize(problem.f, problem.start, problem.gradient, method, max_iterations=20,
                            callback=points.append)
    history = result.history
    assert len(points) == len(history.f) == result.iterations + 1
    assert all(after < before for before, after in pairwise(history.f))
    assert all(after > before for before, after in pairwise(history.evaluations))
    np.testing.assert_array_equal(points[0].x, problem.start)
    np.testing.assert_array_equal(points[-1].x, result.x)
    np.testing.assert_array_equal(history.f, [problem.f(point.x) for point in points])
    np.testing.assert_array_equal(history.gradient_norm, [point.gradient_norm for point in points])
    assert (history.f[-1], history.gradient_norm[-1], history.evaluations[-1]) == (
        result.f, result.gradient_norm, result.evaluations)


@every_method
def test_evaluations_are_the_calls_of_f(method):
    calls = []

    def f(x):
        calls.append(x)
        return square(x)

    assert optim.minimize(f, [1.0, 2.0], method=method).evaluations == len(calls)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6, 1e-12])
def test_a_run_ends_at_the_first_iterate_whose_squared_gradient_is_small_enough(tolerance):
    problem = rosenbrock(np.array([-1.2, 1.0]))
    result = optim.minimize(problem.f, problem.start, problem.gradient, optim.LBFGS(), tolerance)
    shares = (result.history.gradient_norm / result.history.gradient_norm[0]) ** 2
    assert result.converged
    assert result.message == "converged"
    assert shares[-1] <= tolerance < shares[:-1].min()


@pytest.mark.parametrize("limit", [0, 3])
@every_method
def test_a_run_ends_after_max_iterations_and_says_so(method, limit):
    problem = rosenbrock(np.array([-1.2, 1.0]))
    result = optim.minimize(problem.f, problem.start, problem.gradient, method, max_iterations=limit)
    assert not result.converged
    assert result.iterations == limit
    assert result.message.startswith(f"stopped after {limit} iterations, with ‖∇f‖² at ")
    assert result.message.endswith("; expected 1e-10")


@every_method
@pytest.mark.parametrize("f", [square, lambda x: (7.0, np.zeros(x.size))], ids=["its minimum", "a flat function"])
def test_at_a_minimum_nothing_is_left_to_do(method, f):
    result = optim.minimize(f, [0.0, 0.0], method=method)
    assert result.converged
    assert (result.iterations, result.evaluations) == (0, 1)
    np.testing.assert_array_equal(result.x, [0, 0])


@every_method
@pytest.mark.parametrize("start", [1e-3, -3.0, 10.0])
def test_one_dimension_is_enough(method, start):
    result = optim.minimize(lambda x: (x[0] ** 4 + x[0] ** 2, 4 * x**3 + 2 * x), [start], None, method, 1e-20)
    assert result.converged, result.message
    assert abs(result.x[0]) <= 1e-6 * abs(start)


@every_method
@pytest.mark.parametrize("f", [
    lambda x: (-x[0], np.array([-1.0])),
    lambda x: (-(x[0] ** 2), -2 * x),
    lambda x: (x[0] ** 3, 3 * x**2),
    lambda x: (-np.exp(x[0]), -np.exp(x)),
], ids=["line", "parabola", "cubic", "exponential"])
def test_a_function_without_a_minimum_ends_as_not_converged(method, f):
    result = optim.minimize(f, [1.0], method=method, max_iterations=50)
    assert not result.converged or abs(result.x[0]) < 1e-2  # x³ is flat at 0
    assert math.isfinite(result.f)
    assert result.f <= f(np.array([1.0]))[0]


@every_method
def test_a_wrong_gradient_is_reported_and_the_start_kept(method):
    result = optim.minimize(lambda x: (1 + float(x @ x), -2 * x), [1.0, 1.0], method=method)
    assert not result.converged
    assert "the gradient is not f's" in result.message
    np.testing.assert_array_equal(result.x, [1, 1])


@every_method
def test_the_last_digits_are_reached_and_then_rounding_is_named(method):
    result = optim.minimize(lambda x: (1e6 + float(x @ x), 2 * x), [1.0, 2.0], method=method, tolerance=0.0)
    assert result.f == pytest.approx(1e6, abs=1e-8)
    assert_ended(result)


@pytest.mark.parametrize(("options", "found"), [
    ({"tolerance": -1.0}, "-1.0 and 1000"), ({"tolerance": math.nan}, "nan and 1000"),
    ({"max_iterations": -1}, "1e-10 and -1"),
])
def test_limits_out_of_range_are_refused(options, found):
    with pytest.raises(ValueError, match=f"tolerance and max_iterations must be at least 0, got {found}"):
        optim.minimize(square, [1.0], **options)


def test_what_f_raises_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        optim.minimize(lambda x: (1 / 0, x), [1.0])


def test_the_same_start_gives_the_same_bits():
    problem = rosenbrock(np.array([-1.2, 1.0, 0.5]))
    first, second = (optim.minimize(problem.f, problem.start, problem.gradient) for _ in range(2))
    np.testing.assert_array_equal(first.x, second.x)
    np.testing.assert_array_equal(first.history.f, second.history.f)


def test_it_needs_no_numba():
    from tests.test_package import imported_by

    assert "numba" not in imported_by("from fastconv import optim; optim.minimize(lambda x: (x @ x, 2 * x), [1.0])")
