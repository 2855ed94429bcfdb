"""Gradient descent with a line search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fastconv.optim.line_search import Armijo, LineSearch
from fastconv.optim.method import Method, Step
from fastconv.optim.objective import Objective, Point, Vector


@dataclass(frozen=True)
class GradientDescent(Method):
    """Steepest descent, p = -∇f (Nocedal & Wright 2006, section 3.3). line_search: Armijo() or StrongWolfe()."""

    line_search: LineSearch = field(default_factory=Armijo)

    def direction(self, objective: Objective, point: Point, steps: Sequence[Step]) -> Vector:
        return -point.gradient

    def first_step(self, point: Point, direction: Vector, steps: Sequence[Step]) -> float:
        """As every method's, but no shorter than the last: backtracking never lengthens a step."""
        step = super().first_step(point, direction, steps)
        return max(step, steps[-1].length) if steps else step
