"""Schedules that rise again: warm restarts, cyclical rates, one cycle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from fastconv.optim.optimizer import check, check_positive
from fastconv.optim.schedule import Span, check_span, half_cosine, in_steps


@dataclass(frozen=True)
class CosineWarmRestarts:
    """Half cosines from the optimizer's rate to eta_min, again and again (Loshchilov & Hutter 2017, equation 5).

    T_0: the first one's length.  T_mult: each next one is so many times as long.
    """

    T_0: Span = 1 / 7
    T_mult: int = 2
    eta_min: float = 0.0

    def __post_init__(self) -> None:
        check_span("T_0", self.T_0)
        check("eta_min", self.eta_min)
        if not isinstance(self.T_mult, int) or self.T_mult < 1:
            raise ValueError(f"T_mult must be an integer of at least 1, got {self.T_mult}")

    def lr(self, step: int, steps: int, lr: float) -> float:
        length, since = in_steps(self.T_0, steps), float(step)
        if self.T_mult == 1:
            since = math.fmod(since, length)
        while since >= length:
            since -= length
            length *= self.T_mult
        return half_cosine(lr, self.eta_min, since / length)


@dataclass(frozen=True)
class Cyclic:
    """Up from base_lr to max_lr and down again along lines, again and again (Smith 2017, section 3).

    step_size_up, step_size_down: how long that takes; down as long as up unless given.
    mode: each cycle as high as the first ("triangular"), half as high as the one before ("triangular2"), or gammaᵗ
    times as high in step t ("exp_range").
    """

    base_lr: float
    max_lr: float
    step_size_up: Span = 1 / 6
    step_size_down: Span | None = None
    mode: Literal["triangular", "triangular2", "exp_range"] = "triangular"
    gamma: float = 0.999

    def __post_init__(self) -> None:
        check("base_lr", self.base_lr)
        check("max_lr", self.max_lr)
        check("gamma", self.gamma)
        check_span("step_size_up", self.step_size_up)
        if self.step_size_down is not None:
            check_span("step_size_down", self.step_size_down)
        if self.mode not in ("triangular", "triangular2", "exp_range"):
            raise ValueError(f"mode must be triangular, triangular2 or exp_range, got {self.mode!r}")

    def lr(self, step: int, steps: int, lr: float) -> float:
        up = in_steps(self.step_size_up, steps)
        down = up if self.step_size_down is None else in_steps(self.step_size_down, steps)
        cycle, since = divmod(step, up + down)
        height = since / up if since <= up else 1 - (since - up) / down
        if self.mode == "triangular2":
            height /= 2**cycle
        elif self.mode == "exp_range":
            height *= self.gamma**step
        return self.base_lr + (self.max_lr - self.base_lr) * height


@dataclass(frozen=True)
class OneCycle:
    """Up to max_lr and down to almost nothing, along half cosines (Smith & Topin 2018, with PyTorch's defaults).

    From max_lr / div_factor to max_lr in the first pct_start of the steps, then to max_lr / div_factor /
    final_div_factor.
    """

    max_lr: float
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        check("max_lr", self.max_lr)
        if not 0 <= self.pct_start <= 1:
            raise ValueError(f"pct_start must be from 0 to 1, got {self.pct_start}")
        check_positive("div_factor", self.div_factor)
        check_positive("final_div_factor", self.final_div_factor)

    def lr(self, step: int, steps: int, lr: float) -> float:
        start, end = self.max_lr / self.div_factor, self.max_lr / self.div_factor / self.final_div_factor
        peak = self.pct_start * steps - 1
        if step <= peak:
            return half_cosine(start, self.max_lr, step / peak if peak > 0 else 1.0)
        return half_cosine(self.max_lr, end, (step - peak) / (steps - 1 - peak))
