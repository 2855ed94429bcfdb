"""Max pooling of an activation, in one pass over what comes before both."""

from __future__ import annotations

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer
from fastconv.engine.operators import pooling
from fastconv.engine.operators.activation import Formula, activate_grad, writable
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.kernels import activated_pooling as kernels
from fastconv.kernels.activation import multiply

#: By whether slopes are kept instead of x, and whether windows are so large that places need uint16.
KERNELS = {
    (False, False): kernels.activate_max_pool2d, (False, True): kernels.activate_max_pool2d_wide,
    (True, False): kernels.activate_max_pool2d_slope, (True, True): kernels.activate_max_pool2d_slope_wide,
}


def activate_max_pool2d(builder: Builder, x: Tensor, formula: Formula, window: Window) -> Tensor:
    """The largest activation of each window of x."""
    y = pooling.output(x, window)
    y.needs_grad = x.needs_grad or formula.learns
    keeps_slope = x.needs_grad and not formula.learns
    argmax, kept = pooling.new_argmax(y, window), Buffer(4 * y.floats)
    kernel = KERNELS[keeps_slope, pooling.is_wide(window)]
    builder.call(kernel.of(formula.name), pooling.constant(window), argmax=argmax, kept=kept,
                 **pooling.fields(x, y, window), **formula.fields())

    def gradient() -> None:
        if y.grad is None or not y.needs_grad:
            return
        dy = writable(builder, y.grad)
        if keeps_slope:
            builder.call(multiply, dy=dy.buffer, slope=kept, size=y.floats)
        else:
            activate_grad(builder, kept, dy, formula)
        if x.needs_grad:
            pooling.max_pool2d_grad(builder, argmax, dy, x.new_grad(), window)

    builder.gradient(gradient)
    return y
