"""Sums: of values, and of the gradients that come from the several readers of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fastconv.engine.builder import Builder
from fastconv.engine.operators.activation import features
from fastconv.engine.operators.joining import join
from fastconv.engine.tensor import Tensor
from fastconv.kernels import activation as kernels
from fastconv.layout import Packed


def add(builder: Builder, inputs: Sequence[Tensor]) -> Tensor:
    """The sum of the inputs, in order, in the place of one of them where that is allowed."""
    inputs = alike(builder, inputs)
    y = _sum(builder, inputs)
    y.needs_grad = any(x.needs_grad for x in inputs)

    def gradient() -> None:
        if y.grad is not None:
            for x in inputs:
                if x.needs_grad:
                    x.grad = y.grad.view()

    builder.gradient(gradient)
    return y


def alike(builder: Builder, inputs: Sequence[Tensor], channels: bool = False) -> list[Tensor]:
    """The inputs, each with its values in the same places; some may be flattened images.

    channels: they may have different numbers of channels.
    """
    if len({replace(x.place, channels=1) if channels else x.place for x in inputs}) == 1:
        return list(inputs)
    return [x if x.place.size == (1, 1) else features(builder, x) for x in inputs]


def fan_out(builder: Builder, x: Tensor, readers: int) -> list[Tensor]:
    """x for each of its readers; its gradient is the sum of theirs."""
    views = tuple(x.view() for _ in range(readers))
    for view in views:
        view.shared = True

    def gradient() -> None:
        parts = [(view.grad_start, view.grad) for view in views if view.grad is not None]
        if parts:
            grads = _whole(builder, x.place, parts)
            x.grad = grads[0] if len(grads) == 1 else _sum(builder, grads)

    builder.gradient(gradient)
    return list(views)


def _whole(builder: Builder, place: Packed, parts: Sequence[tuple[int, Tensor]]) -> list[Tensor]:
    """The parts as tensors of `place`: those that have no channel in common make one together."""
    whole = [part for _, part in parts if part.place.channels == place.channels]
    rest = sorted((each for each in parts if each[1].place.channels < place.channels), key=lambda each: each[0])
    while rest:
        row, others, end = [], [], 0
        for start, part in rest:
            if start >= end:
                row.append((start, part))
                end = start + part.place.channels
            else:
                others.append((start, part))
        whole.append(join(builder, place, row))
        rest = others
    return whole


def _sum(builder: Builder, inputs: Sequence[Tensor]) -> Tensor:
    """In the memory of the first input that may be written, else in memory of its own."""
    free = next((x for x in inputs if not x.read_only), None)
    y = Tensor.new(inputs[0].place, False) if free is None else free.in_place()
    total, *rest = inputs if free is None else [free, *(x for x in inputs if x is not free)]
    for x in rest:
        call = builder.call(kernels.add, x=total.buffer, y=x.buffer, z=y.buffer, size=y.floats, lower=-np.inf)
        y.correlations, total = [call], y
    return y
