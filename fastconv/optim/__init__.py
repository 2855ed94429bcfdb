"""Optimizers and learning-rate schedules; and deterministic methods that minimise any function of a vector."""

from fastconv.optim.adam import Adam, AdamW
from fastconv.optim.conjugate_gradient import (
    ConjugateGradient,
    dai_yuan,
    fletcher_reeves,
    hestenes_stiefel,
    polak_ribiere,
)
from fastconv.optim.gradient_descent import GradientDescent
from fastconv.optim.lbfgs import LBFGS
from fastconv.optim.line_search import Armijo, ExactQuadratic, LineSearch, StrongWolfe
from fastconv.optim.method import Method
from fastconv.optim.methods import METHODS
from fastconv.optim.minimize import History, Result, minimize
from fastconv.optim.newton import Newton
from fastconv.optim.objective import Point
from fastconv.optim.optimizer import Optimizer
from fastconv.optim.schedule import Constant, OneCycle, Schedule
from fastconv.optim.sgd import SGD

__all__ = [
    "LBFGS", "METHODS", "SGD", "Adam", "AdamW", "Armijo", "ConjugateGradient", "Constant",
    "ExactQuadratic", "GradientDescent", "History", "LineSearch", "Method", "Newton", "OneCycle", "Optimizer", "Point",
    "Result", "Schedule", "StrongWolfe", "dai_yuan", "fletcher_reeves", "hestenes_stiefel", "minimize",
    "polak_ribiere",
]
