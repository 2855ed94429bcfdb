"""Values side by side in the channels of one: where it can be, they are computed in their place there."""

from __future__ import annotations

from collections.abc import Sequence

from fastconv.engine.builder import Builder
from fastconv.engine.tensor import Tensor
from fastconv.kernels.activation import copy
from fastconv.kernels.channels import clear
from fastconv.layout import Packed


def join(builder: Builder, place: Packed, parts: Sequence[tuple[int, Tensor]]) -> Tensor:
    """A tensor of `place` with each of the parts from its channel on, in order, and zeros in between.

    No two parts have a channel in common. One that has memory of its own lies in that of the whole from now on.
    """
    y, end = Tensor.new(place, needs_grad=False), 0
    for start, part in parts:
        _clear(builder, y, end, start)
        target, end = y.channels(start, part.place.channels), start + part.place.channels
        if _is_movable(part, target.place):
            part.buffer.inside = target.buffer.inside
            part.overwritten = True  # for all that can be known here
            y.read_only |= part.read_only
        else:
            builder.call(copy, x=part.buffer, y=target.buffer, size=target.floats)
    _clear(builder, y, end, place.channels)
    return y


def _clear(builder: Builder, y: Tensor, start: int, end: int) -> None:
    if start < end:
        gap = y.channels(start, end - start)
        builder.call(clear, y=gap.buffer, size=gap.floats)


def _is_movable(part: Tensor, place: Packed) -> bool:
    """Whether it has memory of its own, where nothing is kept for longer than a group's turn, and is laid out so."""
    buffer = part.buffer
    return part.place == place and buffer.inside is None and not buffer.keep and not buffer.per_group
