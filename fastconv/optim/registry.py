"""Optimizers and schedules by their names on the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastconv.optim.adam import Adam, AdamW, NAdam
from fastconv.optim.adaptive import Adadelta, Adagrad, RMSprop
from fastconv.optim.cycle import CosineWarmRestarts, Cyclic, OneCycle
from fastconv.optim.optimizer import Optimizer
from fastconv.optim.schedule import Constant, Cosine, ExponentialDecay, LinearDecay, Schedule, StepDecay, Warmup
from fastconv.optim.sgd import SGD, SGDW
from fastconv.optim.swats import SWATS

#: Each takes the optimizer's hyper-parameters by name. Their learning rates bring LeNet-5 to 94 to 98 % of the embedded
#: digits in five epochs, with and without the one-cycle schedule (mean of two seeds).
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": partial(SGD, lr=0.1),
    "momentum": partial(SGD, lr=0.05, momentum=0.9),
    "nesterov": partial(SGD, lr=0.05, momentum=0.9, nesterov=True),
    "adagrad": partial(Adagrad, lr=0.03),
    "adadelta": partial(Adadelta, lr=3.0),
    "rmsprop": partial(RMSprop, lr=3e-3),
    "rmsprop-momentum": partial(RMSprop, lr=3e-4, momentum=0.9),
    "rmsprop-centered": partial(RMSprop, lr=3e-3, centered=True),
    "adam": partial(Adam, lr=6e-3),
    "amsgrad": partial(Adam, lr=6e-3, amsgrad=True),
    "nadam": partial(NAdam, lr=6e-3),
    "sgdw": partial(SGDW, lr=0.05),
    "adamw": partial(AdamW, lr=6e-3),
    "adamw-paper": partial(AdamW, lr=6e-3, weight_decay=1e-4, decay_by_lr=False),
    "swats": partial(SWATS, lr=6e-3),
}

#: Each takes the highest learning rate of the run, which should be the optimizer's own.
SCHEDULES: dict[str, Callable[[float], Schedule]] = {
    "constant": lambda lr: Constant(),
    "linear": lambda lr: LinearDecay(),
    "exponential": lambda lr: ExponentialDecay(),
    "step": lambda lr: StepDecay(),
    "cosine": lambda lr: Cosine(),
    "cosine-warm-restarts": lambda lr: CosineWarmRestarts(),
    "triangular": lambda lr: Cyclic(lr / 10, lr),
    "triangular2": lambda lr: Cyclic(lr / 10, lr, mode="triangular2"),
    "exp-range": lambda lr: Cyclic(lr / 10, lr, mode="exp_range"),
    "one-cycle": OneCycle,
    "warmup-cosine": lambda lr: Warmup(Cosine()),
}
