"""Optimizers and learning-rate schedules."""

from collections.abc import Callable
from functools import partial

from fastconv.optim.adam import Adam, AdamW
from fastconv.optim.optimizer import Optimizer
from fastconv.optim.schedule import Constant, OneCycle, Schedule
from fastconv.optim.sgd import SGD

__all__ = ["OPTIMIZERS", "SCHEDULES", "SGD", "Adam", "AdamW", "Constant", "OneCycle", "Optimizer", "Schedule"]

#: Every optimizer by its name on the command line.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": partial(SGD, lr=0.1),
    "momentum": partial(SGD, lr=0.01, momentum=0.9),
    "nesterov": partial(SGD, lr=0.01, momentum=0.9, nesterov=True),
    "adam": Adam,
    "adamw": AdamW,
}

#: Every schedule by its name on the command line; each is made of the highest learning rate.
SCHEDULES: dict[str, Callable[[float], Schedule]] = {"constant": lambda lr: Constant(), "one-cycle": OneCycle}
