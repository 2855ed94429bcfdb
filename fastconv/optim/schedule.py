"""Learning-rate schedules: pure functions of how far training has come, so they have no state to save."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from fastconv.optim.optimizer import check, check_positive


class Schedule(Protocol):
    """The learning rate of each step of a training run."""

    def lr(self, step: int, steps: int, lr: float) -> float:
        """Of step 0, 1, … out of `steps`; `lr` is the optimizer's own."""


#: A part of a run: a number of steps, or as a float from 0 to 1 a share of all steps.
Span = int | float


@dataclass(frozen=True)
class Constant:
    """The optimizer's learning rate throughout."""

    def lr(self, step: int, steps: int, lr: float) -> float:
        return lr


@dataclass(frozen=True)
class LinearDecay:
    """From the optimizer's rate along a line to end_factor times that, which it would reach after the last step."""

    end_factor: float = 0.0

    def __post_init__(self) -> None:
        check("end_factor", self.end_factor)

    def lr(self, step: int, steps: int, lr: float) -> float:
        return lr * (1 + (self.end_factor - 1) * step / steps)


@dataclass(frozen=True)
class ExponentialDecay:
    """From the optimizer's rate by the same factor in every step to end_factor times that after the last."""

    end_factor: float = 0.01

    def __post_init__(self) -> None:
        check_positive("end_factor", self.end_factor)

    def lr(self, step: int, steps: int, lr: float) -> float:
        return lr * math.pow(self.end_factor, step / steps)


@dataclass(frozen=True)
class StepDecay:
    """The optimizer's rate times gamma after every step_size."""

    step_size: Span = 1 / 3
    gamma: float = 0.1

    def __post_init__(self) -> None:
        check_span("step_size", self.step_size)
        check("gamma", self.gamma)

    def lr(self, step: int, steps: int, lr: float) -> float:
        return lr * self.gamma ** math.floor(step / in_steps(self.step_size, steps))


@dataclass(frozen=True)
class Cosine:
    """From the optimizer's rate along half a cosine to eta_min (Loshchilov & Hutter 2017, equation 5, in one run)."""

    eta_min: float = 0.0

    def __post_init__(self) -> None:
        check("eta_min", self.eta_min)

    def lr(self, step: int, steps: int, lr: float) -> float:
        return half_cosine(lr, self.eta_min, step / steps)


@dataclass(frozen=True)
class Warmup:
    """A rise along a line to where another schedule starts, which then has the rest of the run.

    From start_factor times that rate; span: how long it takes (Goyal et al. 2017, section 2.2).
    """

    schedule: Schedule
    span: Span = 0.1
    start_factor: float = 0.01

    def __post_init__(self) -> None:
        check_span("span", self.span)
        check("start_factor", self.start_factor)

    def lr(self, step: int, steps: int, lr: float) -> float:
        span = min(steps, round(in_steps(self.span, steps)))
        if step >= span:
            return self.schedule.lr(step - span, steps - span, lr)
        return self.schedule.lr(0, max(1, steps - span), lr) * (
            self.start_factor + (1 - self.start_factor) * step / span)


@dataclass(frozen=True)
class Sequence:
    """Schedules one after the other, each over its own part of the run.

    milestones: where the second, the third … begin.
    """

    schedules: tuple[Schedule, ...]
    milestones: tuple[Span, ...]

    def __post_init__(self) -> None:
        if len(self.milestones) != len(self.schedules) - 1:
            raise ValueError(f"expected a milestone between any two schedules, "
                             f"got {len(self.milestones)} for {len(self.schedules)}")
        for milestone in self.milestones:
            check_span("milestones", milestone)

    def lr(self, step: int, steps: int, lr: float) -> float:
        starts = [0, *(min(steps, round(in_steps(milestone, steps))) for milestone in self.milestones), steps]
        if starts != sorted(starts):
            raise ValueError(f"milestones must not decrease, got {self.milestones} in a run of {steps} steps")
        place = max(i for i in range(len(self.schedules)) if starts[i] <= step)
        return self.schedules[place].lr(step - starts[place], starts[place + 1] - starts[place], lr)


def half_cosine(start: float, end: float, fraction: float) -> float:
    """From start at fraction 0 to end at 1."""
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2


def check_span(name: str, span: Span) -> None:
    """Raises ValueError unless `span` is a positive number of steps or share of them."""
    if isinstance(span, int):
        if isinstance(span, bool) or span < 1:
            raise ValueError(f"{name} must be at least 1 step, got {span}")
    elif not 0 < span <= 1:
        raise ValueError(f"{name} must be a number of steps, or a share of them above 0 and up to 1.0, got {span}")


def in_steps(span: Span, steps: int) -> float:
    """A span as a number of steps, whole or not."""
    return span if isinstance(span, int) else span * steps
