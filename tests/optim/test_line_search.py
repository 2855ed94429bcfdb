"""Line searches: the steps they return meet the conditions they are named after."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fastconv import optim
from fastconv.errors import NoStepError
from fastconv.optim.line_search import Ray
from fastconv.optim.objective import Objective
from tests.problems import Problem, problems, quadratics
from tests.strategies import seeds

first_steps = st.floats(-4, 4).map(lambda exponent: 10**exponent)
constants = st.tuples(st.floats(1e-4, 0.4), st.floats(0.45, 0.9))


def ray(problem: Problem, direction=None):
    """From the problem's start, by default along its steepest descent."""
    objective = Objective(problem.f, problem.gradient)
    point = objective.start(problem.start)
    return Ray(objective, point, -point.gradient if direction is None else np.asarray(direction, np.float64))


def downhill(problem: Problem, seed: int):
    """A direction at an angle to the steepest descent."""
    gradient = problem.gradient(problem.start)
    assume(np.linalg.norm(gradient) > 1e-2)
    return -np.random.default_rng(seed).uniform(0.1, 10, gradient.size) * gradient


def line(f, slope, start=0.0):
    """A function of one variable."""
    return Problem("line", lambda x: f(float(x[0])), lambda x: np.array([slope(float(x[0]))]), np.array([start]))


def armijo_holds(problem, direction, step, c1):
    x = problem.start
    return problem.f(x + step * direction) <= problem.f(x) + c1 * step * (problem.gradient(x) @ direction)


@given(problems(), seeds, first_steps, constants)
def test_strong_wolfe_returns_a_step_that_meets_both_conditions(problem, seed, first, c):
    direction = downhill(problem, seed)
    with np.errstate(invalid="ignore"):
        step = optim.StrongWolfe(*c).search(ray(problem, direction), first).step
    x = problem.start
    assert step > 0
    assert armijo_holds(problem, direction, step, c[0])
    slope, before = problem.gradient(x + step * direction) @ direction, problem.gradient(x) @ direction
    assert abs(slope) <= c[1] * abs(before)


@given(problems(), seeds, first_steps, st.floats(1e-4, 0.9), st.sampled_from([0.1, 0.5, 0.9]))
def test_armijo_returns_the_first_of_its_steps_that_lowers_f_enough(problem, seed, first, c1, contraction):
    direction = downhill(problem, seed)
    step = optim.Armijo(c1, contraction).search(ray(problem, direction), first).step
    tried = round(math.log(step / first, contraction))
    assert step == pytest.approx(first * contraction**tried)
    with np.errstate(invalid="ignore"):
        assert armijo_holds(problem, direction, step, c1)
        assert tried == 0 or not armijo_holds(problem, direction, step / contraction, c1)


@given(quadratics(), seeds, first_steps)
def test_the_exact_search_ends_where_the_slope_of_a_quadratic_is_zero(quadratic, seed, first):
    problem = quadratic.problem
    direction = downhill(problem, seed)
    trial = optim.ExactQuadratic().search(ray(problem, direction), first)
    expected = -(problem.gradient(problem.start) @ direction) / (direction @ quadratic.matrix @ direction)
    assert trial.step == pytest.approx(expected, rel=1e-6)
    assert abs(trial.slope) <= 1e-6 * abs(problem.gradient(problem.start) @ direction)


@pytest.mark.parametrize("first", [1e-8, 1.0, 1e8])
def test_strong_wolfe_lengthens_and_shortens_any_first_step(first):
    trial = optim.StrongWolfe(c2=0.1).search(ray(line(lambda x: (x - 3) ** 2, lambda x: 2 * (x - 3))), first)
    assert trial.point.x[0] == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("first", [0.1, 0.4, 0.9, 4.0])
def test_strong_wolfe_finds_the_minimum_of_a_quadratic_by_its_second_step(first):
    along = ray(line(lambda x: (x - 3) ** 2, lambda x: 2 * (x - 3)))
    trial = optim.StrongWolfe(c2=0.01).search(along, first)
    assert trial.point.x[0] == pytest.approx(3)
    assert along.objective.evaluations == 3  # one of them at the start


@pytest.mark.parametrize("search", [optim.Armijo(), optim.StrongWolfe(), optim.ExactQuadratic()])
@pytest.mark.parametrize("direction", [[1.0], [0.0], [np.nan], [-np.inf]])
def test_a_direction_that_does_not_lead_downhill_is_refused(search, direction):
    with pytest.raises(NoStepError, match="expected a direction along which f falls, got one of slope"):
        search.search(ray(line(lambda x: x, lambda x: 1.0), direction), 1.0)


@pytest.mark.parametrize("search", [optim.Armijo(), optim.StrongWolfe()])
def test_a_wrong_gradient_is_told_apart_from_a_hard_function(search):
    with pytest.raises(NoStepError, match=r"the gradient is not f's"):
        search.search(ray(line(lambda x: 1 + x, lambda x: -1.0)), 1.0)


def test_strong_wolfe_gives_up_where_f_falls_for_ever():
    with pytest.raises(NoStepError, match=r"f still falls after a step of .*: it seems to have no minimum"):
        optim.StrongWolfe().search(ray(line(lambda x: -x, lambda x: -1.0)), 1.0)


@pytest.mark.parametrize("search", [optim.Armijo(), optim.StrongWolfe(), optim.ExactQuadratic()])
def test_a_fall_to_minus_infinity_is_named(search):
    cliff = line(lambda x: -math.inf if x > 1 else -x, lambda x: -1.0)
    with pytest.raises(NoStepError, match="f falls to -inf: it has no minimum"):
        search.search(ray(cliff), 2.0)


@pytest.mark.parametrize("search", [optim.Armijo(), optim.StrongWolfe()])
@pytest.mark.parametrize("beyond", [math.nan, math.inf])
def test_a_place_where_f_is_no_finite_number_is_kept_away_from(search, beyond):
    fenced = line(lambda x: beyond if x > 1.2 else (x - 1) ** 2, lambda x: 2 * (x - 1))
    assert 0 < search.search(ray(fenced), 4.0).point.x[0] <= 1.2


def test_the_exact_search_refuses_what_is_not_quadratic():
    with pytest.raises(NoStepError, match="expected f to curve upwards along the direction, got a curvature of -"):
        optim.ExactQuadratic().search(ray(line(lambda x: -(x**2), lambda x: -2 * x, start=1.0)), 1.0)
    with pytest.raises(NoStepError, match="it is not quadratic"):
        optim.ExactQuadratic().search(ray(line(lambda x: math.hypot(1, x), lambda x: x / math.hypot(1, x), 4.0)), 0.1)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: optim.Armijo(c1=0), "c1 and contraction must lie between 0 and 1, got 0 and 0.5"),
    (lambda: optim.Armijo(contraction=1), "c1 and contraction must lie between 0 and 1, got 0.0001 and 1"),
    (lambda: optim.StrongWolfe(c1=0.5, c2=0.1), "expected 0 < c1 < c2 < 1, got c1=0.5 and c2=0.1"),
    (lambda: optim.StrongWolfe(c2=math.nan), "got c1=0.0001 and c2=nan"),
])
def test_constants_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
