"""Builds the calls of a program, operator by operator: the forward calls in order, the backward calls in reverse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastconv.engine.memory import At, Buffer, Fixed, aligned_floats
from fastconv.engine.program import Call, new_batch_table
from fastconv.engine.tensor import Taps, Tensor, Window, backward_taps, forward_taps
from fastconv.engine.weights import Weight, WeightUnit, row_units, slice_units
from fastconv.kernels import activation, correlate, correlate_grad, loss, pack, pooling
from fastconv.kernels.abi import Kernel
from fastconv.kernels.blocks import runs
from fastconv.layout import LANES, Packed
from fastconv.simd.blocking import CORRELATE_ROWS, GRADIENT_COLS, GRADIENT_ROWS
from fastconv.simd.tile import Block

ACTIVATIONS: dict[str, tuple[Kernel, Kernel]] = {
    "relu": (activation.relu, activation.relu_grad),
    "tanh": (activation.tanh, activation.tanh_grad),
    "sigmoid": (activation.sigmoid, activation.sigmoid_grad),
}

LOSSES: dict[str, Kernel] = {"cross_entropy": loss.cross_entropy, "mse": loss.mse}


class Builder:
    """Collects kernel calls. With `training`, also those of the backward pass and of the weight gradients."""

    def __init__(self, training: bool = False) -> None:
        self.training = training
        self.batch = new_batch_table()
        self.calls: list[Call] = []
        self.weight_units: list[WeightUnit] = []
        self._backward: list[Callable[[], None]] = []

    def call(self, kernel: Kernel, block: Block | None = None, **fields: Any) -> None:
        self.calls.append(Call(kernel, [fields], block) if block else Call(kernel, [fields]))

    def backward(self) -> None:
        """Emits the backward pass of everything so far."""
        for emit in reversed(self._backward):
            emit()

    def _new(self, place: Packed, needs_grad: bool, **flags: Any) -> Tensor:
        return Tensor(place, Buffer(4 * LANES * place.pixels, **flags), needs_grad and self.training)

    def _new_grad(self, x: Tensor) -> Buffer:
        x.grad = Buffer(4 * x.floats)
        return x.grad

    # --- border ----------------------------------------------------------------------------------

    def input(self, shape: tuple[int, int, int], scale: np.ndarray, shift: np.ndarray, *, uint8: bool,
              halo: tuple[int, int, int, int] = (0, 0, 0, 0), needs_grad: bool = False) -> Tensor:
        """The batch's images (C, H, W), as image · scale + shift per channel."""
        place = Packed.of(*shape, halo=halo)
        x = self._new(place, needs_grad, keep=any(halo))
        self.call(pack.pack_uint8 if uint8 else pack.pack_float32, batch=self._batch(),
                  scale=Fixed(scale), shift=Fixed(shift), x=x.buffer, **place.fields())
        return x

    def output(self, x: Tensor) -> None:
        """Writes x to the batch's results as NCHW."""
        self.call(pack.unpack, x=x.buffer, batch=self._batch(), **x.place.fields())

    def _batch(self) -> Fixed:
        return Fixed(self.batch)

    # --- convolution and linear ------------------------------------------------------------------

    def conv2d(self, x: Tensor, weight: Weight, bias: Weight | None, window: Window, groups: int = 1,
               relu: bool = False) -> Tensor:
        """weight: (C_out, C_in / groups, kh, kw). Bias and ReLU are part of the same pass."""
        out_channels = weight.value.shape[0]
        height, width = window.output_size(x.place.height, x.place.width)
        y = self._new(Packed.of(out_channels, height, width), x.needs_grad or weight.trainable)
        y.activation = "relu" if relu else None
        targets, sources = out_channels // groups, x.place.channels // groups
        self._correlate(x.buffer, x.place, y.buffer, y.place, self._taps(forward_taps, x, y, window), window.kernel,
                        targets, sources, groups, weight.packed(sources), bias.value if bias else None,
                        0.0 if relu else -np.inf)
        matrix = window.kernel == (x.place.height, x.place.width) and not any(window.padding) and groups == 1
        if self.training and weight.trainable:
            self.weight_units += row_units(weight, groups, self._batch()) if not matrix else []
        self.weight_units += [] if self.training and weight.trainable else weight.pack_only_units(groups)
        if self.training:
            self._backward.append(lambda: self._conv2d_grad(x, y, weight, bias, window, groups, matrix))
        return y
