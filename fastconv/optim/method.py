"""What a deterministic method is: it chooses directions from gradients, and a line search goes along them."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from fastconv.optim.line_search import LineSearch
from fastconv.optim.objective import Objective, Point, Vector, dot


@dataclass(frozen=True, eq=False)
class Step:
    """One iteration: from a point along a direction, by `length` times it, to a point."""

    before: Point
    direction: Vector
    length: float
    after: Point


class Method(ABC):
    """A rule for directions. It holds hyper-parameters; what it knows of a run is the run's last steps."""

    line_search: LineSearch

    @property
    def memory(self) -> int:
        """How many steps it looks back."""
        return 1

    @abstractmethod
    def direction(self, objective: Objective, point: Point, steps: Sequence[Step]) -> Vector:
        """Where to go from `point`: (n,). steps: the last ones, the newest at the end; none at first."""

    def first_step(self, point: Point, direction: Vector, steps: Sequence[Step]) -> float:
        """The step to try first: one that would change f as the last one did, to first order.

        α ← α₋₁·∇f₋₁ᵀp₋₁ / ∇fᵀp (Nocedal & Wright 2006, section 3.5); at first no further than a length of 1.
        """
        if steps:
            last = steps[-1]
            step = last.length * dot(last.before.gradient, last.direction) / dot(point.gradient, direction)
            if 0 < step < math.inf:
                return step
        return min(1.0, 1 / point.gradient_norm)
