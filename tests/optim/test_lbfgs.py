"""L-BFGS: its directions against BFGS with a matrix, and its memory."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv import optim
from fastconv.optim.method import Step
from fastconv.optim.objective import Objective
from tests.problems import log_sum_exp, rosenbrock
from tests.strategies import seeds

NO_OBJECTIVE = Objective(lambda x: 0.0, None)


def steps(n, count, seed):
    """Steps on a log-sum-exp, along no direction in particular."""
    problem, rng = log_sum_exp(n, seed), np.random.default_rng(seed)
    objective = Objective(problem.f, problem.gradient)
    points = [objective.at(rng.standard_normal(n)) for _ in range(count + 1)]
    return [Step(before, after.x - before.x, 1.0, after) for before, after in pairwise(points)]


def bfgs_direction(taken, gradient):
    """-H∇f with H updated by every step from γI (Nocedal & Wright 2006, equations 6.17 and 7.20)."""
    n = gradient.size
    pairs = [(step.after.x - step.before.x, step.after.gradient - step.before.gradient) for step in taken]
    s, y = pairs[-1]
    h = s @ y / (y @ y) * np.eye(n)
    for s, y in pairs:
        left = np.eye(n) - np.outer(s, y) / (s @ y)
        h = left @ h @ left.T + np.outer(s, s) / (s @ y)
    return -h @ gradient


@given(n=st.integers(1, 7), count=st.integers(1, 9), seed=seeds)
def test_the_direction_is_that_of_bfgs_with_a_matrix(n, count, seed):
    taken = steps(n, count, seed)
    point = taken[-1].after
    direction = optim.LBFGS(history=9).direction(NO_OBJECTIVE, point, taken)
    expected = bfgs_direction(taken, point.gradient)
    np.testing.assert_allclose(direction, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


def test_a_step_along_which_the_gradient_does_not_grow_is_left_out():
    taken = steps(3, 4, seed=0)
    hill = Step(taken[1].after, -taken[1].direction, 1.0, taken[1].before)
    concave = Step(hill.before, hill.direction, 1.0, optim.Point(hill.after.x, 0.0, 2 * hill.before.gradient
                                                                 - hill.after.gradient))
    point, method = taken[-1].after, optim.LBFGS()
    np.testing.assert_array_equal(method.direction(NO_OBJECTIVE, point, [*taken[:2], concave, *taken[2:]]),
                                  method.direction(NO_OBJECTIVE, point, taken))
    np.testing.assert_array_equal(method.direction(NO_OBJECTIVE, point, [concave]), -point.gradient)


def test_only_the_last_steps_are_remembered():
    problem = rosenbrock(np.tile([-1.2, 1.0], 3))
    seen = []

    class Watched(optim.LBFGS):
        def direction(self, objective, point, steps):
            seen.append(len(steps))
            return super().direction(objective, point, steps)

    optim.minimize(problem.f, problem.start, problem.gradient, Watched(history=3))
    assert seen[:5] == [0, 1, 2, 3, 3]
    assert max(seen) == 3


def test_more_history_needs_no_more_evaluations_on_a_quadratic():
    scales = np.geomspace(1, 1e3, 20)
    counts = [optim.minimize(lambda x: (float(x @ (scales * x)) / 2, scales * x), np.ones(20),
                             method=optim.LBFGS(history)).evaluations for history in (1, 5, 20)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_a_history_of_nothing_is_refused():
    with pytest.raises(ValueError, match="LBFGS: history must be at least 1, got 0"):
        optim.LBFGS(history=0)
