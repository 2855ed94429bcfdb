"""Some of the channels of a value, the channels of several, and channels in another order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fastconv.engine.builder import Builder
from fastconv.engine.operators.addition import alike, fan_out
from fastconv.engine.operators.joining import join
from fastconv.engine.tensor import Tensor
from fastconv.kernels.channels import copy_channels
from fastconv.layout import Packed


def concat(builder: Builder, inputs: Sequence[Tensor]) -> Tensor:
    """The channels of all inputs, one after the other."""
    inputs = alike(builder, inputs, channels=True)
    starts = starts_of(inputs)
    y = join(builder, joined(inputs), list(zip(starts, inputs, strict=True)))
    y.needs_grad = any(x.needs_grad for x in inputs)

    def gradient() -> None:
        if y.grad is not None:
            for start, x in zip(starts, inputs, strict=True):
                if x.needs_grad:
                    x.grad = y.grad.channels(start, x.place.channels)
                    x.grad.read_only = y.grad.read_only

    builder.gradient(gradient)
    return y


def narrow(builder: Builder, x: Tensor, start: int, length: int) -> Tensor:
    """The channels of x from start on, where they lie. The gradient of the others is zero."""
    view = x if x.shared else fan_out(builder, x, 1)[0]
    y = view.channels(start, length)
    y.read_only = True

    def gradient() -> None:
        view.grad, view.grad_start = y.grad, start

    builder.gradient(gradient)
    return y


def channel_shuffle(builder: Builder, inputs: Sequence[Tensor], groups: int) -> Tensor:
    """All channels of the inputs: the first of each group, then the second of each, and so on."""
    y = Tensor.new(joined(inputs), any(x.needs_grad for x in inputs))
    moves = list(runs(inputs, groups))
    for x, first, count, target in moves:
        _copy(builder, x.channels(first, count), y.channels(target, count), 1, groups)

    def gradient() -> None:
        if y.grad is not None:
            for x in inputs:
                if x.needs_grad:
                    x.new_grad()
            for x, first, count, target in moves:
                if x.grad is not None:
                    _copy(builder, y.grad.channels(target, count), x.grad.channels(first, count), groups, 1)

    builder.gradient(gradient)
    return y


def runs(inputs: Sequence[Tensor], groups: int) -> Iterator[tuple[Tensor, int, int, int]]:
    """What each group takes from each input: from which channel on, how many, and to which channel the first goes."""
    size = sum(x.place.channels for x in inputs) // groups
    for start, x in zip(starts_of(inputs), inputs, strict=True):
        for group in range(groups):
            first, end = max(start, group * size), min(start + x.place.channels, (group + 1) * size)
            if first < end:
                yield x, first - start, end - first, (first - group * size) * groups + group


def _copy(builder: Builder, x: Tensor, y: Tensor, x_step: int, y_step: int) -> None:
    plane = x.place.plane
    builder.call(copy_channels, x=x.buffer, y=y.buffer, channels=x.place.channels, pixels=x.place.height * x.place.row,
                 x_step=x_step * plane, y_step=y_step * plane)


def starts_of(inputs: Sequence[Tensor]) -> list[int]:
    """The first channel of each input in all of them."""
    return [sum(x.place.channels for x in inputs[:i]) for i in range(len(inputs))]


def joined(inputs: Sequence[Tensor]) -> Packed:
    return replace(inputs[0].place, channels=sum(x.place.channels for x in inputs))
