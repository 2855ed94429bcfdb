"""What follows a training and may end it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from fastconv.optim.optimizer import check
from fastconv.trainer import Callback, EpochResult, Plan, Progress

#: What an epoch can be judged by, and the sign that makes more of it better.
MONITORS = {"loss": -1.0, "validation_loss": -1.0, "validation_accuracy": 1.0}


class Best:
    """The best epoch so far.

    monitor: one of MONITORS.  min_delta: how much better than the best one an epoch must be, to be better.
    epoch, value: of the best one; 0 and None before it.
    """

    def __init__(self, monitor: str, min_delta: float = 0.0) -> None:
        if monitor not in MONITORS:
            raise ValueError(f"monitor must be one of {', '.join(MONITORS)}, got {monitor!r}")
        check("min_delta", min_delta)
        self.monitor, self.min_delta = monitor, min_delta
        self.epoch = 0
        self.value: float | None = None

    def update(self, result: EpochResult) -> bool:
        """Whether this epoch is better than all before it; NaN never is. ValueError where it was not validated."""
        value, sign = measure(result, self.monitor), MONITORS[self.monitor]
        if math.isnan(value) or (self.value is not None and sign * (value - self.value) <= self.min_delta):
            return False
        self.epoch, self.value = result.epoch, value
        return True


def best_of(results: Iterable[EpochResult], monitor: str) -> EpochResult | None:
    """The best epoch, of several that are equal the first; None where there is none, or all are NaN."""
    best, found = Best(monitor), None
    for result in results:
        found = result if best.update(result) else found
    return found


def default_monitor(validated: bool) -> str:
    """What epochs are judged by where nobody says it."""
    return "validation_accuracy" if validated else "loss"


class EarlyStopping(Callback):
    """Ends a training when `patience` epochs one after the other were no better than the best one before them.

    monitor: validation_loss, validation_accuracy, or loss, that of the training images.
    min_delta: how much better than the best one an epoch must be, to count as better.
    """

    def __init__(self, patience: int, monitor: str = "validation_loss", min_delta: float = 0.0) -> None:
        if patience < 1:
            raise ValueError(f"patience must be at least 1, got {patience}")
        self.patience, self.monitor, self.min_delta = patience, monitor, min_delta
        self.best = Best(monitor, min_delta)

    def on_fit_start(self, plan: Plan, progress: Progress) -> bool:
        self.best = Best(self.monitor, self.min_delta)
        return any(self.on_epoch_end(result) for result in progress.results)

    def on_epoch_end(self, result: EpochResult) -> bool:
        self.best.update(result)
        return result.epoch - self.best.epoch >= self.patience


def measure(result: EpochResult, monitor: str) -> float:
    """What the epoch is judged by; ValueError where it was not validated."""
    if monitor == "loss":
        return result.loss
    if result.validation is None:
        raise ValueError(f"{monitor} needs validation images: fit(..., validation=...), or monitor=\"loss\"")
    return result.validation[monitor.removeprefix("validation_")]
