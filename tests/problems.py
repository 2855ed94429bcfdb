"""Functions of a vector with their gradients, to be minimised: classics, and some drawn by Hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.strategies import seeds

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """f and its gradient, and a place to start."""

    name: str
    f: Callable[[Vector], float]
    gradient: Callable[[Vector], Vector]
    start: Vector

    def __repr__(self) -> str:
        return f"{self.name} from {self.start}"


@dataclass(frozen=True, eq=False)
class Quadratic:
    """½xᵀAx - bᵀx with a symmetric A of the given eigenvalues; everything else is drawn from the seed."""

    eigenvalues: tuple[float, ...]
    seed: int

    @property
    def matrix(self) -> Vector:
        n = len(self.eigenvalues)
        basis, _ = np.linalg.qr(np.random.default_rng(self.seed).standard_normal((n, n)))
        return (basis * self.eigenvalues) @ basis.T

    @property
    def minimum(self) -> Vector:
        return np.random.default_rng(self.seed + 1).standard_normal(len(self.eigenvalues))

    @property
    def problem(self) -> Problem:
        a, minimum = self.matrix, self.minimum
        b, start = a @ minimum, minimum + np.random.default_rng(self.seed + 2).standard_normal(minimum.size)
        return Problem("quadratic", lambda x: float(x @ a @ x / 2 - b @ x), lambda x: a @ x - b, start)


def rosenbrock(start: Vector) -> Problem:
    """Σ 100(x_{i+1} - x_i²)² + (1 - x_i)² (Rosenbrock 1960), with its minimum at (1, …, 1)."""

    def gradient(x: Vector) -> Vector:
        valley, slope = x[1:] - x[:-1] ** 2, np.zeros(x.size)
        slope[:-1] = -400 * x[:-1] * valley - 2 * (1 - x[:-1])
        slope[1:] += 200 * valley
        return slope

    return Problem("Rosenbrock", lambda x: float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)),
                   gradient, start)


def himmelblau(start: Vector) -> Problem:
    """(x² + y - 11)² + (x + y² - 7)² (Himmelblau 1972), with four minima of 0."""

    def parts(x: Vector) -> tuple[float, float]:
        return float(x[0] ** 2 + x[1] - 11), float(x[0] + x[1] ** 2 - 7)

    def f(x: Vector) -> float:
        first, second = parts(x)
        return first**2 + second**2

    def gradient(x: Vector) -> Vector:
        first, second = parts(x)
        return np.array([4 * x[0] * first + 2 * second, 2 * first + 4 * x[1] * second])

    return Problem("Himmelblau", f, gradient, start)


def log_sum_exp(n: int, seed: int) -> Problem:
    """log Σ exp(Ax + b) + ‖x‖²/20 for 2n rows of A: strongly convex, not quadratic."""
    rng = np.random.default_rng(seed)
    a, b, start = rng.standard_normal((2 * n, n)), rng.standard_normal(2 * n), 3 * rng.standard_normal(n)

    def f(x: Vector) -> float:
        z = a @ x + b
        return float(z.max() + np.log(np.sum(np.exp(z - z.max()))) + x @ x / 20)

    def gradient(x: Vector) -> Vector:
        z = a @ x + b
        p = np.exp(z - z.max())
        return a.T @ (p / p.sum()) + x / 10

    return Problem("log-sum-exp", f, gradient, start)


def walled(n: int, seed: int) -> Problem:
    """-Σ log(1 - x²) + cᵀx, which is finite only inside a cube, with its minimum where 2x / (1 - x²) = -c."""
    rng = np.random.default_rng(seed)
    c, start = rng.standard_normal(n), rng.uniform(-0.9, 0.9, n)

    def f(x: Vector) -> float:
        return float(-np.sum(np.log(1 - x**2)) + c @ x)

    return Problem("walled", f, lambda x: 2 * x / (1 - x**2) + c, start)


def eigenvalues(least: float, most: float, sizes: tuple[int, int] = (1, 8)) -> st.SearchStrategy[tuple[float, ...]]:
    """Of a matrix of up to 8 rows."""
    return st.lists(st.floats(least, most), min_size=sizes[0], max_size=sizes[1]).map(tuple)


@st.composite
def quadratics(draw: st.DrawFn) -> Quadratic:
    """Convex, with a condition number of up to 50."""
    return Quadratic(draw(eigenvalues(1, 50)), draw(seeds))


@st.composite
def convex_problems(draw: st.DrawFn) -> Problem:
    """With one minimum, and finite everywhere."""
    if draw(st.booleans()):
        return draw(quadratics()).problem
    return log_sum_exp(draw(st.integers(1, 6)), draw(seeds))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any of this file."""
    seed, n = draw(seeds), draw(st.integers(2, 6))
    rng = np.random.default_rng(seed)
    return draw(convex_problems() | st.just(walled(n, seed)) | st.just(rosenbrock(2 * rng.standard_normal(n)))
                | st.just(himmelblau(3 * rng.standard_normal(2))))
