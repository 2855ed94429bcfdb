"""Max pooling of an activation, in one pass over what comes before both."""

from __future__ import annotations

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer
from fastconv.engine.operators import pooling
from fastconv.engine.operators.activation import Formula, activate_grad
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.kernels import activated_pooling as kernels


def activate_max_pool2d(builder: Builder, x: Tensor, formula: Formula, window: Window) -> Tensor:
    """The largest activation of each window of x."""
    y = pooling._output(x, window)
    y.needs_grad = x.needs_grad or formula.learns
    argmax, x_of_y = pooling.new_argmax(y, window), Buffer(4 * y.floats)
    kernel = kernels.activate_max_pool2d_wide if pooling._is_wide(window) else kernels.activate_max_pool2d
    builder.call(kernel.of(formula.name), pooling._constant(window), argmax=argmax, x_of_y=x_of_y,
                 **pooling._fields(x, y, window), **formula.fields())

    def gradient() -> None:
        if y.grad is None:
            return
        activate_grad(builder, x_of_y, y.grad, formula)
        if x.needs_grad:
            pooling.max_pool2d_grad(builder, argmax, y.grad, x.new_grad(), window)

    builder.gradient(gradient)
    return y
