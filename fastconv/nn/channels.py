"""Layers that put channels together, take some of them, and change their order."""

from __future__ import annotations

from fastconv.errors import ShapeError
from fastconv.nn.layer import Layer, Shape, expect_images
from fastconv.shapes import integer


class Concat(Layer):
    """The channels of its inputs (N, C, …), one after the other, as `torch.cat` of dimension 1 does."""

    def __init__(self) -> None:
        super().__init__()

    def output_shape(self, shape: Shape, *others: Shape) -> Shape:
        if any(other[:1] + other[2:] != shape[:1] + shape[2:] for other in others):
            raise ShapeError("expected inputs that differ in their channels only, got "
                             f"{', '.join(map(str, (shape, *others)))}")
        return shape[0], sum(each[1] for each in (shape, *others)), *shape[2:]


class Narrow(Layer):
    """`length` channels of (N, C, H, W), from channel `start` on, as `torch.narrow` of dimension 1 does.

    It costs nothing: what reads them reads them where they are. Several split a value.
    """

    def __init__(self, start: int, length: int) -> None:
        super().__init__(start=start, length=length)
        self.start, self.length = integer("start", start, least=0), integer("length", length)

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape)
        if shape[1] < self.start + self.length:
            raise ShapeError(f"expected at least {self.start + self.length} channels, got {shape}")
        return shape[0], self.length, *shape[2:]


class ChannelShuffle(Layer):
    """The channels of (N, C, H, W): the first of each of `groups` groups, then the second of each, and so on.

    (Zhang et al. 2018, section 3.1.)
    """

    def __init__(self, groups: int) -> None:
        super().__init__(groups=groups)
        self.groups = integer("groups", groups)

    def output_shape(self, shape: Shape) -> Shape:
        expect_images(shape)
        if shape[1] % self.groups:
            raise ShapeError(f"expected channels in {self.groups} groups of one size, got {shape}")
        return shape
