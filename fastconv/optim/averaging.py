"""Averages of a training's iterates: the parameters after each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastconv.optim.optimizer import check


class Average(Protocol):
    """How the mean of the iterates moves."""

    def weight(self, step: int) -> float:
        """Of the iterate that step 1, 2, … ends with."""

    def share(self, weight: float, total: float) -> float:
        """How far the mean moves to an iterate of this weight, after others of `total` weight: 1 is all the way."""


def uniform(step: int) -> float:
    """The same weight for every iterate."""
    return 1.0


@dataclass(frozen=True)
class PolyakAverage:
    """The weighted mean Σαᵢθᵢ / Σαᵢ of the iterates (Polyak & Juditsky 1992).

    weights: αᵢ as a function of the step, from 1; all the same unless given.  start: the first step that counts.
    """

    weights: Callable[[int], float] = uniform
    start: int = 1

    def weight(self, step: int) -> float:
        if step < self.start:
            return 0.0
        weight = self.weights(step)
        check(f"the weight of step {step}", weight)
        return weight

    def share(self, weight: float, total: float) -> float:
        return weight / (total + weight) if weight else 0.0


@dataclass(frozen=True)
class ExponentialAverage:
    """The mean θ̄ ← δθ̄ + (1-δ)θ, from the first iterate on.  decay: δ."""

    decay: float = 0.999

    def __post_init__(self) -> None:
        check("decay", self.decay, below=1)

    def weight(self, step: int) -> float:
        return 1.0

    def share(self, weight: float, total: float) -> float:
        return 1 - self.decay if total else 1.0
