"""The ways that optimizers take across a function of two variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import DataError, DivergenceError
from fastconv.nn import Linear, MSELoss
from fastconv.optim import METHODS, OPTIMIZERS, minimize
from fastconv.optim.objective import Vector
from fastconv.trainer import Trainer


@dataclass(frozen=True)
class Function:
    """f(x, y) with its gradient, its minimum and a place to start.

    rates: learning rates with which the optimizers are seen to work on it, by name; `rate` is for all others.
    """

    formula: str
    evaluate: Callable[[Vector], tuple[NDArray[np.float64], Vector]]  # (..., 2) → (...,) and (..., 2)
    minimum: tuple[float, float]
    start: tuple[float, float]
    steps: int
    rate: float
    rates: Mapping[str, float] = field(default_factory=dict)


def quadratic(rho: float = 10.0) -> Function:
    """x²/2 + ρy²/2 with ρ > 0, its condition number if ρ is at least 1."""
    if not 0 < rho < np.inf:
        raise ValueError(f"rho must be a number above 0, got {rho}")
    scales = np.array([1.0, rho])
    longest = 1 / max(1.0, rho)
    return Function(f"x²/2 + {rho:g}·y²/2", lambda x: ((scales * x**2).sum(axis=-1) / 2, scales * x),
                    minimum=(0.0, 0.0), start=(-4.0, 1.5), steps=100, rate=0.2,
                    rates={"sgd": 1.7 * longest, "momentum": 0.3 * longest, "nesterov": 0.3 * longest,
                           "sgdw": 0.3 * longest, "adagrad": 1.0, "adadelta": 30.0, "rmsprop": 0.03,
                           "rmsprop-momentum": 0.01, "rmsprop-centered": 0.03})


def rosenbrock() -> Function:
    """(1 - x)² + 100(y - x²)² (Rosenbrock 1960)."""

    def evaluate(point: Vector) -> tuple[NDArray[np.float64], Vector]:
        x, y = point[..., 0], point[..., 1]
        valley = y - x**2
        return (1 - x)**2 + 100 * valley**2, np.stack([-2 * (1 - x) - 400 * x * valley, 200 * valley], axis=-1)

    return Function("(1 - x)² + 100(y - x²)²", evaluate, minimum=(1.0, 1.0), start=(-0.7, 2.0), steps=500, rate=0.2,
                    rates={"sgd": 1e-3, "momentum": 3e-4, "nesterov": 3e-4, "sgdw": 3e-4, "adagrad": 1.0,
                           "adadelta": 10.0, "rmsprop": 0.02, "rmsprop-momentum": 3e-3, "rmsprop-centered": 0.02,
                           "nadam": 0.1})


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The places an optimizer came to: points (k + 1, 2), the start first, and the values of f there: (k + 1,).

    lr: its learning rate; None where a line search chose the steps.  diverged: it went on to infinity.
    """

    name: str
    lr: float | None
    points: NDArray[np.float64]
    values: NDArray[np.float64]
    diverged: bool = False

    def to_dict(self) -> dict[str, object]:
        """As JSON holds it."""
        return {"optimizer": self.name, "lr": self.lr, "diverged": self.diverged, "points": self.points.tolist(),
                "values": self.values.tolist()}


@np.errstate(over="ignore", invalid="ignore")
def trajectory(name: str, function: Function, start: tuple[float, float] | None = None, steps: int | None = None,
               lr: float | None = None) -> Trajectory:
    """The way of the optimizer in optim.OPTIMIZERS, or of the method in optim.METHODS, of that name.

    start, steps and lr are the function's own unless given. A method ends before `steps` where it has converged.
    """
    place = np.array(function.start if start is None else start, np.float64)
    if place.shape != (2,) or not np.isfinite(place).all():
        raise DataError(f"expected a start of two finite numbers x,y, got {start}")
    steps = function.steps if steps is None else steps
    if name in METHODS:
        if lr is not None:
            raise DataError(f"{name} has no learning rate: a line search chooses its steps")
        points, diverged = _by_line_search(name, function, place, steps)
    elif name in OPTIMIZERS:
        lr = function.rates.get(name, function.rate) if lr is None else lr
        points, diverged = _by_steps(name, lr, function, place, steps)
    else:
        raise DataError(f"expected an optimizer of {', '.join([*OPTIMIZERS, *METHODS])}; got {name!r}")
    path = np.array(points)
    return Trajectory(name, lr, path, function.evaluate(path)[0], diverged)


def _by_line_search(name: str, function: Function, start: Vector, steps: int) -> tuple[list[Vector], bool]:
    points: list[Vector] = []
    minimize(function.evaluate, start, method=METHODS[name](), max_iterations=steps,
             callback=lambda point: points.append(point.x))
    return points, False


def _by_steps(name: str, lr: float, function: Function, start: Vector, steps: int) -> tuple[list[Vector], bool]:
    """Steps of a Trainer. For an input of 1 and the target w - ∇f(w), the mean squared error of a linear layer with the
    weights w, one for x and one for y, has the gradient ∇f(w): the optimizer is led by f.
    """
    layer = Linear(1, 2, bias=False)
    layer.load_state_dict({"weight": start[:, None]})
    trainer = Trainer(layer, OPTIMIZERS[name](lr=lr), MSELoss())
    one, points = np.ones((1, 1), np.float32), [start]
    for _ in range(steps):
        weights = layer.weight[:, 0].astype(np.float64)
        try:
            trainer.step(one, (weights - function.evaluate(weights)[1])[None])
        except DivergenceError:
            return points, True
        if not np.isfinite(layer.weight).all():
            return points, True
        points.append(layer.weight[:, 0].astype(np.float64))
    return points, False
