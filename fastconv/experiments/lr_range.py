"""The learning-rate range test (Smith 2017, section 3.3): how the loss takes a rate that grows with every step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fastconv.data import Dataset
from fastconv.errors import DataError, DivergenceError
from fastconv.experiments.setting import Setting
from fastconv.optim.optimizer import check_positive
from fastconv.trainer import Callback, Trainer

#: Of the running mean of losses, the share that stays from one step to the next.
SMOOTHING = 0.9

#: The test ends where the smoothed loss is so many times the smallest one.
TOO_HIGH = 4.0

#: Steps at the beginning where the smoothed loss is of too few batches to be read.
WARM_UP = 10

#: Where the smoothed loss never falls below so much of what it was after the beginning, it is only noise that falls.
LEAST_FALL = 0.9

#: Steps over which the slope is measured, each way.
REACH = 3


@dataclass(frozen=True)
class Growing:
    """From low to high, by the same factor in each of `steps` steps."""

    low: float
    high: float
    steps: int

    def lr(self, step: int, steps: int, lr: float) -> float:
        return self.low * math.pow(self.high / self.low, step / (self.steps - 1))


@dataclass(frozen=True)
class LrRange:
    """The loss of each step's batch before its update, at each rate.

    smoothed: the running mean of the losses, without the bias of its beginning.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]

    @property
    def steepest(self) -> float | None:
        """The rate at which the smoothed loss falls fastest, by the rate's logarithm; None where it hardly falls."""
        end = int(np.argmin(self.smoothed)) + 1
        if end <= WARM_UP or self.smoothed[end - 1] > LEAST_FALL * self.smoothed[WARM_UP]:
            return None
        slopes = {step: self.smoothed[min(step + REACH, end - 1)] - self.smoothed[step - REACH]
                  for step in range(WARM_UP, end)}
        return self.rates[min(slopes, key=lambda step: slopes[step])]

    @property
    def ceiling(self) -> float:
        """A loss below which everything of interest lies: what comes after it only grows out of all proportion."""
        return 1.1 * max(self.smoothed[:int(np.argmin(self.smoothed)) + 1])

    @property
    def lowest(self) -> float:
        """The rate at which the smoothed loss is smallest, and about to rise."""
        return self.rates[int(np.argmin(self.smoothed))]

    @property
    def suggestion(self) -> float | None:
        """For a highest rate of a run: between where the loss falls fastest and where it rises, as far from both."""
        return None if self.steepest is None else math.sqrt(self.steepest * self.lowest)


def lr_range(setting: Setting, train: Dataset, seed: int = 0, low: float = 1e-5, high: float = 10.0,
             steps: int = 300) -> LrRange:
    """Trains a new model with rates from low to high, until the loss has become far too high.

    The setting's schedule, epochs and learning rate do not matter. Raises ValueError for a range that is none,
    DataError where the loss was lost before it could be read.
    """
    check_positive("low", low)
    if not low < high < math.inf:
        raise ValueError(f"high must be above low, {low:g}, got {high:g}")
    if steps <= 2 * WARM_UP:
        raise ValueError(f"steps must be more than {2 * WARM_UP}, got {steps}")
    setting = replace(setting, lr=low)
    trainer = Trainer(setting.make_model(len(train.classes), seed), setting.make_optimizer())
    gauge, growing = _Gauge(steps), Growing(low, high, steps)
    epochs = -(-steps * setting.batch_size // len(train))
    try:
        trainer.fit(train, epochs, setting.batch_size, schedule=growing, seed=seed, callbacks=[gauge],
                    augment=setting.make_augmentation())
    except DivergenceError:
        if len(gauge.losses) <= WARM_UP:
            raise DataError(f"the loss was lost after {len(gauge.losses)} steps, at rate "
                            f"{growing.lr(len(gauge.losses), 0, low):.2g}: begin with a smaller one, or look for NaN "
                            "in the images") from None
    rates = tuple(growing.lr(step, 0, low) for step in range(len(gauge.losses)))
    return LrRange(rates, tuple(gauge.losses), tuple(gauge.smoothed))


class _Gauge(Callback):
    """Collects losses, and ends the training where they are far too high or enough."""

    def __init__(self, steps: int) -> None:
        self.steps, self.mean = steps, 0.0
        self.losses: list[float] = []
        self.smoothed: list[float] = []

    def on_batch_end(self, epoch: int, images: int, loss: float) -> bool:
        self.losses.append(loss)
        self.mean = SMOOTHING * self.mean + (1 - SMOOTHING) * loss
        self.smoothed.append(self.mean / (1 - SMOOTHING ** len(self.losses)))
        enough = len(self.losses) == self.steps
        return enough or (len(self.losses) > WARM_UP and self.smoothed[-1] > TOO_HIGH * min(self.smoothed))
