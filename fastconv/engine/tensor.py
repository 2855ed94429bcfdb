"""Values of a program under construction, and what convolutions need to know of their geometry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastconv.engine.memory import Buffer
from fastconv.layout import LANES, Packed


@dataclass(eq=False)
class Tensor:
    """An activation: where a group keeps it, and in a training program its gradient.

    gated: the gradient that arrives is already zero where the ReLU fused into this activation was off.
    """

    place: Packed
    buffer: Buffer
    needs_grad: bool
    grad: Buffer | None = None
    activation: str | None = None
    gated: bool = False

    @property
    def floats(self) -> int:
        return self.place.pixels * LANES


@dataclass(frozen=True)
class Window:
    """A convolution's or a pooling's window.

    padding: zeros above, below, left and right of the image.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        top, bottom, left, right = self.padding
        reach = [d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True)]
        return ((height + top + bottom - reach[0]) // self.stride[0] + 1,
                (width + left + right - reach[1]) // self.stride[1] + 1)


@dataclass(frozen=True)
class Taps:
    """Kernel taps along one axis: for each target position (first tap, count, first source), and the steps between taps."""

    table: np.ndarray
    kernel_step: int
    source_step: int


def forward_taps(outputs: int, size: int, kernel: int, stride: int, before: int, dilation: int) -> Taps:
    """Output o reads source o·stride - before + k·dilation through tap k, where that lies inside the image."""
    table = []
    for o in range(outputs):
        inside = [k for k in range(kernel) if 0 <= o * stride - before + k * dilation < size]
        first = inside[0] if inside else 0
        table.append((first, len(inside), o * stride - before + first * dilation))
    return Taps(np.array(table, np.int64), 1, dilation)


def backward_taps(outputs: int, size: int, kernel: int, stride: int, before: int, dilation: int) -> Taps:
    """Source position i gets gradient from output (i + before - k·dilation) / stride through tap k, where that is whole."""
    step = stride // int(np.gcd(stride, dilation))
    table = []
    for i in range(size):
        inside = [k for k in range(kernel)
                  if (i + before - k * dilation) % stride == 0 and 0 <= (i + before - k * dilation) // stride < outputs]
        first = inside[0] if inside else 0
        table.append((first, len(inside), (i + before - first * dilation) // stride if inside else 0))
    return Taps(np.array(table, np.int64), step, -step * dilation // stride)
