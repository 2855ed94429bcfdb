"""The deterministic methods by their names on the command line."""

from __future__ import annotations

from collections.abc import Callable

from fastconv.optim.conjugate_gradient import ConjugateGradient, fletcher_reeves
from fastconv.optim.gradient_descent import GradientDescent
from fastconv.optim.lbfgs import LBFGS
from fastconv.optim.line_search import StrongWolfe
from fastconv.optim.method import Method
from fastconv.optim.newton import Newton

METHODS: dict[str, Callable[[], Method]] = {
    "gd-armijo": GradientDescent,
    "gd-wolfe": lambda: GradientDescent(StrongWolfe()),
    "cg": ConjugateGradient,
    "cg-fletcher-reeves": lambda: ConjugateGradient(fletcher_reeves),
    "newton": Newton,
    "lbfgs": LBFGS,
}
