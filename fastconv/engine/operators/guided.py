"""ReLU with the gradient of guided backpropagation."""

from __future__ import annotations

from fastconv.engine.builder import Builder
from fastconv.engine.operators.activation import relu, writable
from fastconv.engine.tensor import Tensor
from fastconv.kernels import activation as kernels


def guided_relu(builder: Builder, x: Tensor) -> Tensor:
    """max(x, 0), whose gradient passes where x and what comes back are positive (Springenberg et al. 2015, section 3).

    What comes back is cut off at zero before ReLU's own gradient.
    """
    y = relu(builder, x)

    def cut() -> None:
        if y.grad is not None:
            y.grad = writable(builder, y.grad)
            builder.call(kernels.relu, y=y.grad.buffer, size=y.floats)

    builder.gradient(cut)
    return y
