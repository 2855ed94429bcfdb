"""Optimizers, learning-rate schedules, and averages over the steps."""

from fastconv.optim.adam import Adam, AdamW, NAdam
from fastconv.optim.adaptive import Adadelta, Adagrad, RMSprop
from fastconv.optim.averaging import Average, ExponentialAverage, PolyakAverage
from fastconv.optim.cycle import CosineWarmRestarts, Cyclic, OneCycle
from fastconv.optim.optimizer import Optimizer
from fastconv.optim.registry import OPTIMIZERS, SCHEDULES
from fastconv.optim.schedule import (
    Constant,
    Cosine,
    ExponentialDecay,
    LinearDecay,
    Schedule,
    Sequence,
    StepDecay,
    Warmup,
)
from fastconv.optim.sgd import SGD, SGDW
from fastconv.optim.swats import SWATS

__all__ = [
    "OPTIMIZERS", "SCHEDULES", "SGD", "SGDW", "SWATS", "Adadelta", "Adagrad", "Adam", "AdamW", "Average", "Constant",
    "Cosine", "CosineWarmRestarts", "Cyclic", "ExponentialAverage", "ExponentialDecay", "LinearDecay", "NAdam",
    "OneCycle", "Optimizer", "PolyakAverage", "RMSprop", "Schedule", "Sequence", "StepDecay", "Warmup",
]
