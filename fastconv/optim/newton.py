"""Newton's method, for problems of few variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from fastconv.errors import NoStepError, ShapeError
from fastconv.optim.line_search import Armijo, LineSearch
from fastconv.optim.method import Method, Step
from fastconv.optim.objective import Objective, Point, Vector

#: An eigenvalue smaller than the largest by this factor is rounding error.
SMALLEST = 1e-12


@dataclass(frozen=True)
class Newton(Method):
    """p = -|H|⁻¹∇f, with a line search from step 1 (Nocedal & Wright 2006, Algorithm 3.2).

    |H| is the Hessian with the absolute values of its eigenvalues (Greenstadt 1967; Nocedal & Wright 2006, section
    3.4): H itself where f is convex, and elsewhere p leads downhill, away from saddle points.
    hessian: x (n,) → (n, n); without it, central differences of the gradient, which cost 2n evaluations a step.
    """

    hessian: Callable[[Vector], ArrayLike] | None = None
    line_search: LineSearch = field(default_factory=Armijo)

    @property
    def memory(self) -> int:
        return 0

    def direction(self, objective: Objective, point: Point, steps: Sequence[Step]) -> Vector:
        hessian = _differences(objective, point) if self.hessian is None else np.array(
            self.hessian(point.x.copy()), np.float64)
        if hessian.shape != (point.x.size, point.x.size):
            raise ShapeError(f"the Hessian: expected shape {(point.x.size, point.x.size)}, got {hessian.shape}")
        if not np.isfinite(hessian).all():
            raise NoStepError(f"the Hessian has NaN or infinite values at {point.x}")
        values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
        sizes = np.abs(values)
        if sizes.max() == 0:
            return -point.gradient
        direction: Vector = -vectors @ (vectors.T @ point.gradient / np.maximum(sizes, SMALLEST * sizes.max()))
        return direction

    def first_step(self, point: Point, direction: Vector, steps: Sequence[Step]) -> float:
        return 1.0


def _differences(objective: Objective, point: Point) -> Vector:
    """∂g_i/∂x_j as [g(x + h e_j) - g(x - h e_j)]_i / 2h, off by O(h²); h = ε^⅓ max(1, |x_j|) balances rounding."""
    widths = np.cbrt(np.finfo(np.float64).eps) * np.maximum(1, np.abs(point.x))
    columns = [(objective.at(point.x + shift).gradient - objective.at(point.x - shift).gradient) / (2 * width)
               for width, shift in zip(widths, np.diag(widths), strict=True)]
    return np.stack(columns, axis=1)
