"""Values of a program under construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fastconv.engine.memory import At, Buffer
from fastconv.engine.program import Call
from fastconv.layout import Packed


@dataclass(eq=False)
class Tensor:
    """An activation: where a group keeps it, and in a training program its gradient.

    read_only: what lies there is needed later, by another reader or by a gradient, so nothing may work in its memory.
    correlations: the calls that compute it, where a ReLU can still become part of them.
    relu: a ReLU is part of it.  gated: the gradient arrives with zeros where that ReLU was off.
    gates: the gradient of what computes it stops where that ReLU was off, by itself.
    overwritten: a later operator works in its memory.
    shared: it is one reader's view, whose gradient may be that of some channels only, from grad_start on.
    cuts: where its channels are cut into the parts that threads have made (`Builder.divided`).
    """

    place: Packed
    buffer: Buffer
    needs_grad: bool
    grad: Tensor | None = None
    read_only: bool = False
    correlations: Sequence[Call] = ()
    relu: bool = False
    gated: bool = False
    gates: bool = False
    overwritten: bool = False
    shared: bool = False
    grad_start: int = 0
    cuts: tuple[int, ...] = ()

    @classmethod
    def new(cls, place: Packed, needs_grad: bool) -> Tensor:
        return cls(place, Buffer(4 * place.floats), needs_grad)

    @property
    def floats(self) -> int:
        return self.place.floats

    @property
    def start(self) -> Buffer | At:
        """Where the first pixel lies."""
        return At(self.buffer, 4 * self.place.lanes * self.place.origin) if self.place.origin else self.buffer

    def in_place(self) -> Tensor:
        """What an operator makes that writes where this lies."""
        assert not self.read_only
        self.overwritten = True
        return Tensor(self.place, self.buffer, self.needs_grad, cuts=self.cuts)

    def view(self) -> Tensor:
        """The same values for one reader of several, with a gradient of its own."""
        return Tensor(self.place, self.buffer, self.needs_grad, read_only=True, cuts=self.cuts)

    def channels(self, start: int, length: int) -> Tensor:
        """Some of the channels, where they lie."""
        place = replace(self.place, channels=length)
        inside = At(self.buffer, 4 * place.lanes * start * place.plane)
        return Tensor(place, Buffer(4 * place.floats, inside=inside), self.needs_grad)

    def new_grad(self) -> Tensor:
        """Declares memory for the gradient, of the same place."""
        self.grad = Tensor.new(self.place, needs_grad=False)
        return self.grad

    def grad_over(self, dy: Tensor) -> Tensor:
        """Declares the gradient in the memory of dy, that of what was made of this, where it may be written."""
        assert dy.place == self.place
        self.grad = Tensor.new(self.place, needs_grad=False) if dy.read_only else dy
        return self.grad
