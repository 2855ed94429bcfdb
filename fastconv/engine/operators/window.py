"""The window of a convolution or a pooling, and which of its taps lie inside the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastconv.shapes import output_size


@dataclass(frozen=True)
class Window:
    """kernel, stride and dilation as (height, width); padding as zeros (top, bottom, left, right) around the image.

    ceil_mode: as in `shapes.output_size`.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil_mode: bool = False

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        return output_size(size, self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode)

    def fields(self) -> dict[str, int]:
        """The window as fields of a kernel's arguments, without the dilation."""
        return {"kernel_height": self.kernel[0], "kernel_width": self.kernel[1],
                "stride_height": self.stride[0], "stride_width": self.stride[1],
                "top": self.padding[0], "left": self.padding[2]}


def seen_outputs(window: Window, axis: int, size: int, outputs: int) -> np.ndarray:
    """(kernel, 3): for each tap, the outputs [first, end) that see a pixel through it, and where output 0 looks.

    Output o looks at o·stride - padding + k·dilation through tap k.
    """
    sources = window.dilation[axis] * np.arange(window.kernel[axis]) - window.padding[2 * axis]
    first = np.maximum(0, -(sources // window.stride[axis]))
    end = np.minimum(outputs, (size - 1 - sources) // window.stride[axis] + 1)
    return np.stack([first, end, sources], 1).astype(np.int64)


@dataclass(frozen=True)
class Taps:
    """The taps along one axis.

    table: for each target position, the first tap, their number, and the first one's source position (`correlate.TAP`).
    kernel_step, source_step: from one tap of a position to the next.
    """

    table: np.ndarray
    kernel_step: int
    source_step: int


def forward_taps(window: Window, axis: int, size: int, outputs: int) -> Taps:
    """Output o reads source o·stride - padding + k·dilation through tap k, where that lies inside the image."""
    kernel, stride, dilation = window.kernel[axis], window.stride[axis], window.dilation[axis]
    before, table = window.padding[2 * axis], []
    for o in range(outputs):
        inside = [k for k in range(kernel) if 0 <= o * stride - before + k * dilation < size]
        first = inside[0] if inside else 0
        table.append((first, len(inside), o * stride - before + first * dilation))
    return Taps(np.array(table, np.int64), 1, dilation)


def backward_taps(window: Window, axis: int, size: int, outputs: int) -> Taps:
    """Source i gets gradient from output (i + padding - k·dilation) / stride through tap k, where that is whole."""
    kernel, stride, dilation = window.kernel[axis], window.stride[axis], window.dilation[axis]
    before, table = window.padding[2 * axis], []
    step = stride // int(np.gcd(stride, dilation))  # the next tap whose output is whole again
    for i in range(size):
        inside = [k for k in range(kernel)
                  if (i + before - k * dilation) % stride == 0 and 0 <= (i + before - k * dilation) // stride < outputs]
        first = inside[0] if inside else 0
        table.append((first, len(inside), (i + before - first * dilation) // stride if inside else 0))
    return Taps(np.array(table, np.int64), step, -(step * dilation) // stride)
