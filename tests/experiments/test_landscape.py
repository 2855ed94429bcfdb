"""The ways of optimizers across functions of two variables, against the same steps in float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import optim, reference
from fastconv.errors import DataError
from fastconv.experiments.landscape import Function, quadratic, rosenbrock, trajectory
from tests.oracles import central_difference

FLOAT32 = 1e-5

functions = pytest.mark.parametrize("function", [quadratic(), quadratic(0.5), rosenbrock()],
                                    ids=["ρ = 10", "ρ = 1/2", "Rosenbrock"])


def value(function: Function, point):
    return function.evaluate(np.asarray(point, np.float64))[0]


@functions
@given(x=st.floats(-3, 3), y=st.floats(-3, 3))
def test_gradients_are_central_differences(function, x, y):
    point = np.array([x, y])
    expected = central_difference(lambda at: value(function, at), point)
    np.testing.assert_allclose(function.evaluate(point)[1], expected, rtol=1e-6, atol=1e-5)


@functions
def test_the_minimum_is_lower_than_all_around_it(function):
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 41), np.linspace(-2, 2, 41)), axis=-1)
    values, gradients = function.evaluate(grid)
    assert values.shape == (41, 41)
    assert gradients.shape == grid.shape
    assert value(function, function.minimum) == values.min() == 0
    assert value(function, function.start) > 1


@functions
@pytest.mark.parametrize(("name", "options"), [
    ("sgd", {}), ("momentum", {"momentum": 0.9}), ("nesterov", {"momentum": 0.9, "nesterov": True}),
])
def test_gradient_descent_takes_the_steps_of_the_reference_in_float64(function, name, options):
    way = trajectory(name, function, steps=30)
    theta, velocity = np.array(function.start), np.zeros(2)
    for point in way.points:
        np.testing.assert_allclose(point, theta, rtol=FLOAT32, atol=FLOAT32)
        theta, velocity = reference.sgd(theta, function.evaluate(theta)[1], velocity, way.lr, **options)


@functions
@pytest.mark.parametrize(("name", "rule"), [("adam", reference.adam), ("adamw", reference.adamw)])
def test_adam_takes_the_steps_of_the_reference_in_float64(function, name, rule):
    way = trajectory(name, function, steps=20)
    theta, m, v = np.array(function.start), np.zeros(2), np.zeros(2)
    for step, point in enumerate(way.points, start=1):
        np.testing.assert_allclose(point, theta, rtol=10 * FLOAT32, atol=10 * FLOAT32)
        theta, m, v = rule(theta, function.evaluate(theta)[1], m, v, step, lr=way.lr)


@functions
@pytest.mark.parametrize("name", list(optim.METHODS))
def test_methods_with_a_line_search_take_the_steps_of_minimize(function, name):
    points = []
    optim.minimize(function.evaluate, function.start, method=optim.METHODS[name](), max_iterations=15,
                   callback=lambda point: points.append(point.x))
    way = trajectory(name, function, steps=15)
    np.testing.assert_array_equal(way.points, points)
    assert way.lr is None


@functions
@pytest.mark.parametrize("name", [*optim.OPTIMIZERS, *optim.METHODS])
def test_every_optimizer_comes_closer_to_the_minimum_as_it_is(function, name):
    way = trajectory(name, function)
    assert not way.diverged
    assert 1 < len(way.points) <= function.steps + 1
    np.testing.assert_array_equal(way.points[0], function.start)
    np.testing.assert_allclose(way.values, [value(function, point) for point in way.points])
    assert way.values[-1] < 0.5 * way.values[0]


def test_start_steps_and_learning_rate_can_be_chosen():
    way = trajectory("sgd", quadratic(2.0), start=(1.0, 1.0), steps=2, lr=0.25)
    np.testing.assert_array_equal(way.points, [[1, 1], [0.75, 0.5], [0.5625, 0.25]])


def test_a_step_too_long_is_told_as_diverged_and_all_its_places_are_finite():
    way = trajectory("sgd", quadratic(10.0), steps=1000, lr=0.3)
    assert way.diverged
    assert len(way.points) < 1000
    assert np.isfinite(way.points).all()
    assert np.isfinite(way.values).all()
    assert way.values[-1] > 1e30


def test_a_dictionary_holds_everything():
    way = trajectory("sgd", quadratic(2.0), start=(1.0, 1.0), steps=1, lr=0.25)
    assert way.to_dict() == {"optimizer": "sgd", "lr": 0.25, "diverged": False, "points": [[1, 1], [0.75, 0.5]],
                             "values": [1.5, 0.53125]}


@pytest.mark.parametrize(("arguments", "message"), [
    (("sdg", quadratic()), "expected an optimizer of sgd, .*, lbfgs; got 'sdg'"),
    (("lbfgs", quadratic(), None, None, 0.1), "lbfgs has no learning rate: a line search chooses its steps"),
    (("sgd", quadratic(), (1.0, np.nan)), r"expected a start of two finite numbers x,y, got \(1.0, nan\)"),
    (("sgd", quadratic(), (1.0, 2.0, 3.0)), "expected a start of two finite numbers x,y, got"),
])
def test_what_cannot_be_run_is_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        trajectory(*arguments)


@pytest.mark.parametrize("rho", [0, -1, np.nan, np.inf])
def test_a_quadratic_must_have_a_minimum(rho):
    with pytest.raises(ValueError, match=f"rho must be a number above 0, got {rho}"):
        quadratic(rho)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("function", [quadratic(), rosenbrock()])
def test_a_step_far_too_long_diverges_without_a_warning(function):
    for lr in (1e30, 1e308):
        way = trajectory("sgd", function, lr=lr)
        assert way.diverged
        assert np.isfinite(way.points).all()
        assert np.isfinite(way.values).all()
