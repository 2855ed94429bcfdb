"""Minimising a function of a vector by a deterministic method."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastconv.errors import NoStepError
from fastconv.optim.lbfgs import LBFGS
from fastconv.optim.line_search import Ray
from fastconv.optim.method import Method, Step
from fastconv.optim.objective import Objective, Point, Vector


@dataclass(frozen=True, eq=False)
class History:
    """Of the start and each iterate: f, ‖∇f‖, and the evaluations made by then, each (iterations + 1,)."""

    f: NDArray[np.float64]
    gradient_norm: NDArray[np.float64]
    evaluations: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Result:
    """Where a minimisation ended: x (n,), f and ‖∇f‖ there, what it took, and why it ended."""

    x: Vector
    f: float
    gradient_norm: float
    iterations: int
    evaluations: int
    converged: bool
    message: str
    history: History


def minimize(f: Callable[[Vector], Any], x0: ArrayLike, gradient: Callable[[Vector], ArrayLike] | None = None,
             method: Method | None = None, tolerance: float = 1e-10, max_iterations: int = 1000,
             callback: Callable[[Point], object] | None = None) -> Result:
    """Goes downhill from x0 (n,) until ‖∇f‖² ≤ tolerance·‖∇f(x0)‖²; each iterate's f is below the one before.

    f: x (n,) float64 → the value, or, if `gradient` is not given, → (value, gradient).
    gradient: x → (n,).  method: LBFGS() by default.  callback: is called with the start and with each iterate.
    The result says where and why it ended, also after max_iterations or where no further step lowers f. Raises
    DataError where f is not finite at x0, ShapeError or DtypeError where f or its gradient is not what it should be.
    """
    if not tolerance >= 0 or max_iterations < 0:
        raise ValueError(f"tolerance and max_iterations must be at least 0, got {tolerance} and {max_iterations}")
    method = LBFGS() if method is None else method
    objective = Objective(f, gradient)
    point = objective.start(x0)
    enough = math.sqrt(tolerance) * point.gradient_norm
    steps: deque[Step] = deque(maxlen=method.memory)
    visited: list[tuple[float, float, int]] = []
    message = ""
    while not message:
        visited.append((point.f, point.gradient_norm, objective.evaluations))
        if callback is not None:
            callback(point)
        if point.gradient_norm <= enough:
            message = "converged"
        elif len(visited) > max_iterations:
            share = (point.gradient_norm / visited[0][1]) ** 2
            message = (f"stopped after {max_iterations} iterations, with ‖∇f‖² at {share:.3g} of its first value; "
                       f"expected {tolerance:g}")
        else:
            try:
                step = _step(method, objective, point, steps)
                steps.append(step)
                point = step.after
            except NoStepError as error:
                message = str(error)
    values, norms, evaluations = zip(*visited, strict=True)
    history = History(np.array(values), np.array(norms), np.array(evaluations))
    return Result(point.x, point.f, point.gradient_norm, len(visited) - 1, objective.evaluations,
                  point.gradient_norm <= enough, message, history)


def _step(method: Method, objective: Objective, point: Point, steps: deque[Step]) -> Step:
    """One iteration. Where what the method remembers leads nowhere, it forgets that and tries again."""
    try:
        return _step_along(method, objective, point, steps)
    except NoStepError:
        if not steps:
            raise
        steps.clear()
        return _step_along(method, objective, point, steps)


def _step_along(method: Method, objective: Objective, point: Point, steps: Sequence[Step]) -> Step:
    direction = method.direction(objective, point, steps)
    ray = Ray(objective, point, direction)
    trial = method.line_search.search(ray, method.first_step(point, direction, steps))
    return Step(point, direction, trial.step, trial.point)
