"""L-BFGS: a quasi-Newton method that remembers a few steps instead of a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from fastconv.optim.line_search import LineSearch, StrongWolfe
from fastconv.optim.method import Method, Step
from fastconv.optim.objective import Objective, Point, Vector, dot


@dataclass(frozen=True)
class LBFGS(Method):
    """p = -H∇f, with H from the last steps (Nocedal & Wright 2006, Algorithms 7.4 and 7.5).

    history: how many steps.  line_search: one that ensures sᵀy > 0, as StrongWolfe does; other steps are left out.
    """

    history: int = 10
    line_search: LineSearch = field(default_factory=StrongWolfe)

    def __post_init__(self) -> None:
        if self.history < 1:
            raise ValueError(f"LBFGS: history must be at least 1, got {self.history}")

    @property
    def memory(self) -> int:
        return self.history

    def direction(self, objective: Objective, point: Point, steps: Sequence[Step]) -> Vector:
        pairs = [(step.after.x - step.before.x, step.after.gradient - step.before.gradient) for step in steps]
        curved = [(s, y, product) for s, y in pairs if (product := dot(s, y)) > 0]
        if not curved:
            return -point.gradient
        q, alphas = point.gradient.copy(), []
        for s, y, product in reversed(curved):
            alphas.append(dot(s, q) / product)
            q -= alphas[-1] * y
        _, y, product = curved[-1]
        r = product / dot(y, y) * q
        for (s, y, product), alpha in zip(curved, reversed(alphas), strict=True):
            r += (alpha - dot(y, r) / product) * s
        return -r

    def first_step(self, point: Point, direction: Vector, steps: Sequence[Step]) -> float:
        return 1.0 if steps else min(1.0, 1 / point.gradient_norm)
