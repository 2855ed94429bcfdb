"""Optimizers, schedules and averages; and deterministic methods that minimise any function of a vector."""

from fastconv.optim.adam import Adam, AdamW, NAdam
from fastconv.optim.adaptive import Adadelta, Adagrad, RMSprop
from fastconv.optim.averaging import Average, ExponentialAverage, PolyakAverage
from fastconv.optim.conjugate_gradient import (
    ConjugateGradient,
    dai_yuan,
    fletcher_reeves,
    hestenes_stiefel,
    polak_ribiere,
)
from fastconv.optim.cycle import CosineWarmRestarts, Cyclic, OneCycle
from fastconv.optim.gradient_descent import GradientDescent
from fastconv.optim.lbfgs import LBFGS
from fastconv.optim.line_search import Armijo, ExactQuadratic, LineSearch, StrongWolfe
from fastconv.optim.method import Method
from fastconv.optim.methods import METHODS
from fastconv.optim.minimize import History, Result, minimize
from fastconv.optim.newton import Newton
from fastconv.optim.objective import Point
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
    "LBFGS",
    "METHODS",
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "SGDW",
    "SWATS",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Armijo",
    "Average",
    "ConjugateGradient",
    "Constant",
    "Cosine",
    "CosineWarmRestarts",
    "Cyclic",
    "ExactQuadratic",
    "ExponentialAverage",
    "ExponentialDecay",
    "GradientDescent",
    "History",
    "LineSearch",
    "LinearDecay",
    "Method",
    "NAdam",
    "Newton",
    "OneCycle",
    "Optimizer",
    "Point",
    "PolyakAverage",
    "RMSprop",
    "Result",
    "Schedule",
    "Sequence",
    "StepDecay",
    "StrongWolfe",
    "Warmup",
    "dai_yuan",
    "fletcher_reeves",
    "hestenes_stiefel",
    "minimize",
    "polak_ribiere",
]
