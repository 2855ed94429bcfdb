"""What the windows of one image see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.memory import Buffer, Fixed
from fastconv.engine.operators.planes.parts import behind, by_channel
from fastconv.engine.operators.planes.place import placed, vector_place
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.kernels import planes as kernels
from fastconv.layout import LANES, Packed, groups_of, vector_plane, whole_lanes
from fastconv.simd.block import ONE_VECTOR

#: What a row of a phase costs beside a convolution's multiply-add of a vector, 0.2 ns.
SPLIT_COST = 25


@dataclass(frozen=True)
class Seen:
    """What windows see: of each tap where it lies from a result's place, and masks [tap, vector] of results.

    plane: floats from one channel of x to the next.  place: of the results.
    """

    x: Tensor
    plane: int
    offsets: np.ndarray
    masks: np.ndarray
    place: Packed

    def fields(self, first: int = 0) -> dict[str, Any]:
        """All as fields of a kernel's arguments, of the channels from `first` on."""
        return {"x": behind(self.x.buffer, first * self.plane), "x_plane": self.plane, "y_plane": self.place.plane,
                "offsets": Fixed(self.offsets), "masks": Fixed(self.masks), "taps": len(self.offsets),
                "vectors": self.vectors}

    @property
    def vectors(self) -> int:
        """Vectors from the first result of a plane to the last."""
        return int(self.masks.shape[1])


def windows(builder: Builder, x: Tensor, window: Window, targets: int) -> Seen:
    """What the windows see of x, for `targets` channels of results."""
    size, phases = window.output_size(x.place.size), [(0, 0)]
    if window.stride != (1, 1):
        used = [sorted({tap % window.stride[axis] for tap in _taps(window, axis)}) for axis in (0, 1)]
        phases = [(row, col) for row in used[0] for col in used[1]]
        x, plane, row = _split(builder, x, window.stride, phases, size[1])
    else:
        if x.place.row < size[1]:
            x = placed(builder, x, Packed.alone(*x.place.shape, size[1]))
        plane, row = x.place.plane, x.place.row
    place = vector_place(targets, *size, row)
    starts = {phase: number * plane for number, phase in enumerate(phases)}
    offsets = [starts[row_tap % window.stride[0], col_tap % window.stride[1]]
               + row_tap // window.stride[0] * row + col_tap // window.stride[1]
               for row_tap in _taps(window, 0) for col_tap in _taps(window, 1)]
    inside = [seen_pixels(window, axis, x.place.size[axis], size[axis]) for axis in (0, 1)]
    seen = np.zeros((len(offsets), size[0], row), bool)
    seen[:, :, :size[1]] = np.einsum("ah,bw->abhw", *inside).reshape(-1, *size)
    seen = seen.reshape(len(offsets), -1)[:, :(size[0] - 1) * row + size[1]]
    vectors = np.zeros((len(offsets), groups_of(seen.shape[1]), LANES), bool)
    vectors.reshape(len(offsets), -1)[:, :seen.shape[1]] = seen
    masks = np.packbits(vectors, axis=-1, bitorder="little").view(np.uint16)[..., 0]
    builder.margin = max(builder.margin, 4 * (max(map(abs, offsets)) + vectors.shape[1] * LANES))
    return Seen(x, plane * len(phases), np.array(offsets, np.int64), np.ascontiguousarray(masks), place)


def _taps(window: Window, axis: int) -> list[int]:
    """How far each tap lies from the pixel at which the window would begin without padding."""
    return [k * window.dilation[axis] - window.padding[2 * axis] for k in range(window.kernel[axis])]


def seen_pixels(window: Window, axis: int, size: int, outputs: int) -> np.ndarray:
    """[tap, result]: whether the tap sees a pixel."""
    pixels = np.add.outer(_taps(window, axis), window.stride[axis] * np.arange(outputs))
    return (pixels >= 0) & (pixels < size)


def _split(builder: Builder, x: Tensor, stride: tuple[int, int], phases: Sequence[tuple[int, int]],
           least_row: int) -> tuple[Tensor, int, int]:
    """The phases of a stride, each in a plane of its own, the floats of a plane and those of a row."""
    rows, row = -(-x.place.height // stride[0]), max(-(-x.place.width // stride[1]), least_row)
    plane = vector_plane((rows - 1) * row + whole_lanes(row))
    y = Tensor(x.place, Buffer(4 * x.place.channels * len(phases) * plane + kernels.SLACK), needs_grad=False)
    builder.work += SPLIT_COST * x.place.channels * len(phases) * rows
    by_channel(builder, kernels.split, ONE_VECTOR, [x], y, lambda first, count: {
        "x": behind(x.buffer, first * x.place.plane), "y": behind(y.buffer, first * len(phases) * plane),
        "phases": Fixed(np.array(phases, np.int64)), "phase_count": len(phases), "channels": count,
        "height": x.place.height, "width": x.place.width, "x_row": x.place.row, "x_plane": x.place.plane, "y_row": row,
        "y_plane": plane, "stride_height": stride[0], "stride_width": stride[1]})
    return y, plane, row
