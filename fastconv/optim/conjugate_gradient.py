"""Nonlinear conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from fastconv.optim.line_search import LineSearch, StrongWolfe
from fastconv.optim.method import Method, Step
from fastconv.optim.objective import Objective, Point, Vector, dot

#: How far from orthogonal two gradients may be (Powell 1977).
RESTART = 0.2


def fletcher_reeves(step: Step) -> float:
    """β = g₊ᵀg₊ / gᵀg (Fletcher & Reeves 1964; Nocedal & Wright 2006, equation 5.41)."""
    before, after = step.before.gradient, step.after.gradient
    return dot(after, after) / dot(before, before)


def polak_ribiere(step: Step) -> float:
    """β = max(0, g₊ᵀ(g₊ - g) / gᵀg), known as PR+ (Nocedal & Wright 2006, equations 5.44 and 5.45)."""
    before, after = step.before.gradient, step.after.gradient
    return max(0.0, dot(after, after - before) / dot(before, before))


def hestenes_stiefel(step: Step) -> float:
    """β = g₊ᵀ(g₊ - g) / (g₊ - g)ᵀp (Hestenes & Stiefel 1952; Nocedal & Wright 2006, equation 5.46)."""
    change = step.after.gradient - step.before.gradient
    return dot(step.after.gradient, change) / dot(change, step.direction)


def dai_yuan(step: Step) -> float:
    """β = g₊ᵀg₊ / (g₊ - g)ᵀp (Dai & Yuan 1999; Nocedal & Wright 2006, equation 5.49)."""
    after = step.after.gradient
    return dot(after, after) / dot(after - step.before.gradient, step.direction)


@dataclass(frozen=True)
class ConjugateGradient(Method):
    """p = -g₊ + βp₋₁ (Nocedal & Wright 2006, Algorithm 5.4).

    beta: polak_ribiere, fletcher_reeves, hestenes_stiefel or dai_yuan. It starts anew from -g₊ where consecutive
    gradients are far from orthogonal, |g₊ᵀg| ≥ 0.2‖g₊‖² (Powell 1977). For Fletcher-Reeves every direction leads
    downhill if c₂ < 1/2 (Nocedal & Wright 2006, Lemma 5.6). With ExactQuadratic() it ends on a convex quadratic
    after at most n steps.
    """

    beta: Callable[[Step], float] = polak_ribiere
    line_search: LineSearch = field(default_factory=lambda: StrongWolfe(c2=0.1))

    def direction(self, objective: Objective, point: Point, steps: Sequence[Step]) -> Vector:
        gradient = point.gradient
        if not steps or abs(dot(gradient, steps[-1].before.gradient)) >= RESTART * dot(gradient, gradient):
            return -gradient
        return -gradient + self.beta(steps[-1]) * steps[-1].direction
