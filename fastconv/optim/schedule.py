"""Learning-rate schedules: functions of how far training has come."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol


class Schedule(Protocol):
    """The learning rate of each step of a training run."""

    def lr(self, step: int, steps: int, lr: float) -> float:
        """Of step 0, 1, … out of `steps`; `lr` is the optimizer's own."""


@dataclass(frozen=True)
class Constant:
    """The optimizer's learning rate throughout."""

    def lr(self, step: int, steps: int, lr: float) -> float:
        return lr


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

    def lr(self, step: int, steps: int, lr: float) -> float:
        start, end = self.max_lr / self.div_factor, self.max_lr / self.div_factor / self.final_div_factor
        peak = self.pct_start * steps - 1
        if step <= peak:
            return _cosine(start, self.max_lr, step / peak if peak > 0 else 1.0)
        return _cosine(self.max_lr, end, (step - peak) / (steps - 1 - peak))


def _cosine(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * fraction)) / 2
