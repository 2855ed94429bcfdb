"""Line searches: how far to go along a direction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fastconv.errors import NoStepError
from fastconv.optim.objective import Objective, Point, Vector, dot

#: Steps that are tried to enclose one that meets the strong Wolfe conditions, and then to find it.
TRIALS = 60

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Trial:
    """A step α along a ray: the point it leads to, with f = φ(α) and slope = φ'(α)."""

    step: float
    point: Point
    slope: float

    @property
    def f(self) -> float:
        return self.point.f


class Ray:
    """φ(α) = f(x + αp) from a point x along a direction p: (n,), which must lead downhill."""

    def __init__(self, objective: Objective, point: Point, direction: Vector) -> None:
        self.objective, self.direction = objective, direction
        self.start = Trial(0.0, point, dot(point.gradient, direction))
        if not -math.inf < self.start.slope < 0:
            raise NoStepError(f"expected a direction along which f falls, got one of slope {self.start.slope:g}")

    def at(self, step: float) -> Trial:
        """φ and φ' at a step. f = ∞ stands for a place where f or its gradient is not finite."""
        point = self.objective.at(self.start.point.x + step * self.direction)
        if point.f == -math.inf:
            raise NoStepError("f falls to -inf: it has no minimum")
        if not point.finite:
            return Trial(step, Point(point.x, math.inf, point.gradient), math.nan)
        return Trial(step, point, dot(point.gradient, self.direction))

    def falls(self, trial: Trial, c1: float) -> bool:
        """Whether φ(α) ≤ φ(0) + c₁αφ'(0), the Armijo condition (Nocedal & Wright 2006, equation 3.4).

        φ(α) < φ(0) says the same, but where the bound is rounded to φ(0).
        """
        return trial.f <= self.start.f + c1 * trial.step * self.start.slope and trial.f < self.start.f

    def expect_gain(self, width: float) -> None:
        """Raises NoStepError where `width` more along the ray changes f by less than its last bit."""
        if width * -self.start.slope <= EPS * abs(self.start.f):
            raise NoStepError("what is left to gain is below the rounding error of f, or the gradient is not f's")


class LineSearch(Protocol):
    """A rule that chooses a step."""

    def search(self, ray: Ray, first_step: float) -> Trial:
        """The step chosen; first_step is tried first. Raises NoStepError where none is found."""


@dataclass(frozen=True)
class Armijo:
    """Backtracking to the Armijo condition (Nocedal & Wright 2006, Algorithm 3.1).

    α ← ρα until f(x + αp) ≤ f(x) + c₁α∇fᵀp.  contraction: ρ.
    """

    c1: float = 1e-4
    contraction: float = 0.5

    def __post_init__(self) -> None:
        if not (0 < self.c1 < 1 and 0 < self.contraction < 1):
            raise ValueError(f"Armijo: c1 and contraction must lie between 0 and 1, got {self.c1} and "
                             f"{self.contraction}")

    def search(self, ray: Ray, first_step: float) -> Trial:
        trial = ray.at(first_step)
        while not ray.falls(trial, self.c1):
            step = self.contraction * trial.step
            ray.expect_gain(step)
            trial = ray.at(step)
        return trial


@dataclass(frozen=True)
class StrongWolfe:
    """A step that meets the strong Wolfe conditions (Nocedal & Wright 2006, Algorithms 3.5 and 3.6).

    f(x + αp) ≤ f(x) + c₁α∇fᵀp and |∇f(x + αp)ᵀp| ≤ c₂|∇fᵀp| (equation 3.7). Steps grow by a secant of the slopes, 1.1
    to 10 times, until they enclose such a step, and are then chosen by cubic interpolation (equation 3.59).
    """

    c1: float = 1e-4
    c2: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.c1 < self.c2 < 1:
            raise ValueError(f"StrongWolfe: expected 0 < c1 < c2 < 1, got c1={self.c1} and c2={self.c2}")

    def search(self, ray: Ray, first_step: float) -> Trial:
        before, step = ray.start, first_step
        for _ in range(TRIALS):
            trial = ray.at(step)
            if not ray.falls(trial, self.c1) or trial.f >= before.f:
                return self._zoom(ray, before, trial)
            if self._flat(ray, trial):
                return trial
            if trial.slope >= 0:
                return self._zoom(ray, trial, before)
            before, step = trial, _longer(before, trial)
        raise NoStepError(f"f still falls after a step of {before.step:.3g}: it seems to have no minimum")

    def _flat(self, ray: Ray, trial: Trial) -> bool:
        return abs(trial.slope) <= -self.c2 * ray.start.slope

    def _zoom(self, ray: Ray, low: Trial, high: Trial) -> Trial:
        """A step between two that enclose one, of which `low` has the lower f (Algorithm 3.6)."""
        for _ in range(TRIALS):
            ray.expect_gain(abs(high.step - low.step))
            trial = ray.at(_between(low, high))
            if not ray.falls(trial, self.c1) or trial.f >= low.f:
                high = trial
                continue
            if self._flat(ray, trial):
                return trial
            if trial.slope * (high.step - low.step) >= 0:
                high = low
            low = trial
        raise NoStepError(f"none of {TRIALS} steps between {low.step:.17g} and {high.step:.17g} meets the strong "
                              "Wolfe conditions")


@dataclass(frozen=True)
class ExactQuadratic:
    """The minimiser of f along the ray, where f is a quadratic: its slope is linear, and two values of it say where
    it is 0 (Nocedal & Wright 2006, equation 3.55).

    On another f it is the first secant step, refused where f does not fall.
    """

    def search(self, ray: Ray, first_step: float) -> Trial:
        trial = ray.at(first_step)
        curvature = (trial.slope - ray.start.slope) / first_step
        if not curvature > 0:
            raise NoStepError(f"expected f to curve upwards along the direction, got a curvature of {curvature:g}")
        minimiser = ray.at(-ray.start.slope / curvature)
        if not minimiser.f < ray.start.f:
            ray.expect_gain(minimiser.step)
            raise NoStepError("f does not fall at the minimiser of its slopes: it is not quadratic")
        return minimiser


def _longer(before: Trial, trial: Trial) -> float:
    """A step beyond `trial`, where the slope's secant is 0, 1.1 to 10 times as far."""
    bend = trial.slope - before.slope
    secant = trial.step - trial.slope * (trial.step - before.step) / bend if bend > 0 else math.inf
    return min(max(secant, 1.1 * trial.step), 10 * trial.step)


def _between(low: Trial, high: Trial) -> float:
    """The minimiser of the cubic through both trials; the middle where that is near an end, or no number."""
    width = high.step - low.step
    first = low.slope + high.slope - 3 * (high.f - low.f) / width
    square = first * first - low.slope * high.slope
    if square >= 0:
        second = math.copysign(math.sqrt(square), width)
        divisor = high.slope - low.slope + 2 * second
        share = 1 - (high.slope + second - first) / divisor if divisor else math.nan
        if 0.1 <= share <= 0.9:
            return low.step + share * width
    return low.step + width / 2
