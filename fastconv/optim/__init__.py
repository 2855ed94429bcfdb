"""Optimizers and learning-rate schedules."""

from fastconv.optim.adam import Adam, AdamW
from fastconv.optim.optimizer import Optimizer
from fastconv.optim.schedule import Constant, OneCycle, Schedule
from fastconv.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Constant", "OneCycle", "Optimizer", "Schedule"]
