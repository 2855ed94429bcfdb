"""What a user's function may return, and what is said where it returns something else."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv.errors import DataError, DtypeError, ShapeError
from fastconv.optim.objective import Objective


def half_square(x):
    return x @ x / 2


def test_value_and_gradient_come_from_one_function_or_from_two():
    for objective in (Objective(half_square, lambda x: x), Objective(lambda x: (half_square(x), x), None)):
        point = objective.start([3, 4])
        assert (point.f, point.gradient_norm) == (12.5, 5.0)
        np.testing.assert_array_equal(point.gradient, [3, 4])
        assert objective.evaluations == 1


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.array(2.0), np.array([2.0])])
def test_a_value_is_any_one_real_number(value):
    assert Objective(lambda x: value, lambda x: x).start([1.0]).f == 2.0


@pytest.mark.parametrize("value", [None, "2", 2j, np.ones(2), np.ones(0), True])
def test_a_value_that_is_no_real_number_is_refused(value):
    with pytest.raises(DtypeError, match="expected f to return one real number, got"):
        Objective(lambda x: value, lambda x: x).start([1.0])


@pytest.mark.parametrize("pair", [1.0, (1.0,), [1.0, np.ones(1)]])
def test_without_a_gradient_function_f_must_return_a_pair(pair):
    with pytest.raises(DtypeError, match=r"expected f to return \(value, gradient\), as no gradient function is given"):
        Objective(lambda x: pair, None).start([1.0])


@pytest.mark.parametrize("gradient", [1.0, np.ones(3), np.ones((2, 1))])
def test_a_gradient_of_another_shape_is_refused(gradient):
    with pytest.raises(ShapeError, match=r"the gradient: expected shape \(2,\), as x0, got \("):
        Objective(half_square, lambda x: gradient).start([1.0, 2.0])


@pytest.mark.parametrize("x0", [1.0, [], [[1.0]], np.ones((2, 2))])
def test_a_start_that_is_no_vector_is_refused(x0):
    with pytest.raises(ShapeError, match=r"x0: expected a vector \(n,\) with n at least 1, got shape"):
        Objective(half_square, lambda x: x).start(x0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nothing_but_finite_numbers_is_accepted_at_the_start(bad):
    with pytest.raises(DataError, match=f"x0: expected finite numbers, got {bad}"):
        Objective(half_square, lambda x: x).start([1.0, bad])
    with pytest.raises(DataError, match=f"f is {bad} at x0; start where f is finite"):
        Objective(lambda x: bad, lambda x: x).start([1.0])
    with pytest.raises(DataError, match="the gradient at x0 has NaN, infinite or immense values"):
        Objective(half_square, lambda x: x * bad).start([1.0])


def test_a_function_that_writes_to_its_argument_or_reuses_its_gradient_changes_no_point():
    buffer = np.zeros(2)

    def f(x):
        buffer[:] = x
        x[:] = 0
        return float(buffer @ buffer), buffer

    x0 = np.array([3.0, 4.0])
    objective = Objective(f, None)
    point = objective.start(x0)
    objective.at(np.ones(2))
    np.testing.assert_array_equal([point.x, point.gradient, x0], [[3, 4]] * 3)
