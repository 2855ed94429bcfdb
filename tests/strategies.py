"""The cases operators are tested on: their shapes and options drawn by Hypothesis, their arrays from a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from numpy.typing import DTypeLike, NDArray

from fastconv.shapes import (
    IntPair,
    Padding,
    conv_padding,
    output_size,
    pair,
    transposed_padding,
    transposed_size,
)

# One image, groups of 16 that are full, part empty, or two and a bit, and what SIMD code gets wrong in between.
BATCHES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 37)
# Around the register tiles: up to 6 or 12 rows, 2 to 4 columns.
CHANNELS = (1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 17, 25)
LARGEST_IMAGE = 13

seeds = st.integers(0, 2**32 - 1)


def arrays(seed: int, *shape: int, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Eighths from -2 to 2: sums of their products are exact in float32 too, so none depends on its order."""
    return (np.random.default_rng(seed).integers(-16, 17, shape) / 8).astype(dtype)


def distinct(seed: int, *shape: int) -> NDArray[np.float64]:
    """All values at least 0.1 apart and from 0, so that nudging one changes no maximum and crosses no kink."""
    size = int(np.prod(shape))
    values = np.concatenate([np.arange(1, size + 1), -np.arange(1, size + 1)]) / 10
    return np.random.default_rng(seed).choice(values, size, replace=False).reshape(shape)


class Weighted:
    """The arrays of a case with a weight, by its shapes."""

    seed: int
    x_shape: tuple[int, ...]
    weight_shape: tuple[int, ...]
    y_shape: tuple[int, ...]

    def x(self, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        return arrays(self.seed, *self.x_shape, dtype=dtype)

    def weight(self, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        return arrays(self.seed + 1, *self.weight_shape, dtype=dtype)

    def bias(self, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        return arrays(self.seed + 2, self.y_shape[1], dtype=dtype)

    def dy(self, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        return arrays(self.seed + 3, *self.y_shape, dtype=dtype)


@dataclass(frozen=True)
class Convolution(Weighted):
    """A convolution of arrays that fit together, with a non-empty output."""

    batch: int
    in_channels: int
    out_channels: int
    size: tuple[int, int]
    kernel_size: tuple[int, int]
    stride: IntPair
    padding: Padding
    dilation: IntPair
    groups: int
    seed: int

    @property
    def options(self) -> dict[str, Any]:
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.in_channels, *self.size

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        stride, dilation = pair("stride", self.stride), pair("dilation", self.dilation)
        padding = conv_padding(self.padding, self.kernel_size, stride, dilation)
        return self.batch, self.out_channels, *output_size(self.size, self.kernel_size, stride, padding, dilation)


@dataclass(frozen=True)
class Transposed(Weighted):
    """A transposed convolution of arrays that fit together, with a non-empty output."""

    batch: int
    in_channels: int
    out_channels: int
    size: tuple[int, int]
    kernel_size: tuple[int, int]
    stride: IntPair
    padding: IntPair
    output_padding: IntPair
    dilation: IntPair
    groups: int
    seed: int

    @property
    def convolution(self) -> dict[str, Any]:
        """The options of the convolution whose input's gradient it is."""
        return {"stride": self.stride, "padding": self.padding, "dilation": self.dilation, "groups": self.groups}

    @property
    def options(self) -> dict[str, Any]:
        return {**self.convolution, "output_padding": self.output_padding}

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.in_channels, *self.size

    @property
    def weight_shape(self) -> tuple[int, int, int, int]:
        return self.in_channels, self.out_channels // self.groups, *self.kernel_size

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        stride, dilation = pair("stride", self.stride), pair("dilation", self.dilation)
        padding = transposed_padding(self.padding, self.output_padding, stride, dilation)
        return self.batch, self.out_channels, *transposed_size(self.size, self.kernel_size, stride, padding, dilation)


@dataclass(frozen=True)
class Pooling:
    """A pooling with a non-empty output."""

    batch: int
    channels: int
    size: tuple[int, int]
    kernel_size: IntPair
    stride: IntPair | None
    padding: IntPair
    ceil_mode: bool
    count_include_pad: bool
    seed: int

    @property
    def options(self) -> dict[str, Any]:
        return {"kernel_size": self.kernel_size, "stride": self.stride, "padding": self.padding,
                "ceil_mode": self.ceil_mode}

    @property
    def options_of_mean(self) -> dict[str, Any]:
        return {**self.options, "count_include_pad": self.count_include_pad}

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        return self.batch, self.channels, *self.size

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        kernel, (top, left) = pair("kernel_size", self.kernel_size), pair("padding", self.padding, least=0)
        stride = kernel if self.stride is None else pair("stride", self.stride)
        padding = top, top, left, left
        return self.batch, self.channels, *output_size(self.size, kernel, stride, padding, ceil_mode=self.ceil_mode)

    def x(self, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        return arrays(self.seed, *self.x_shape, dtype=dtype)

    def dy(self, dtype: DTypeLike = np.float64) -> NDArray[Any]:
        return arrays(self.seed + 1, *self.y_shape, dtype=dtype)


@dataclass(frozen=True)
class Linear(Weighted):
    """A linear layer."""

    batch: int
    in_features: int
    out_features: int
    seed: int

    @property
    def x_shape(self) -> tuple[int, int]:
        return self.batch, self.in_features

    @property
    def weight_shape(self) -> tuple[int, int]:
        return self.out_features, self.in_features

    @property
    def y_shape(self) -> tuple[int, int]:
        return self.batch, self.out_features


def pairs(least: int, most: int) -> st.SearchStrategy[tuple[int, int]]:
    """(height, width), square or not."""
    return st.tuples(st.integers(least, most), st.integers(least, most))


def sizes(least: int, most: int) -> st.SearchStrategy[IntPair]:
    """An integer or a pair, as the operators take them."""
    return st.integers(least, most) | pairs(least, most)


@st.composite
def images(draw: st.DrawFn, least: tuple[int, int], most: int) -> tuple[int, int]:
    """(height, width), each at least 1 and at least `least`."""
    return draw(st.integers(max(1, least[0]), most)), draw(st.integers(max(1, least[1]), most))


@st.composite
def convolutions(draw: st.DrawFn, small: bool = False) -> Convolution:
    """small: few enough elements to nudge each one."""
    groups = draw(st.integers(1, 2 if small else 3))
    channels = st.integers(1, 2) if small else st.sampled_from(CHANNELS[: len(CHANNELS) // groups])
    kernel_size = draw(pairs(1, 3 if small else 5))
    stride, dilation = draw(sizes(1, 3)), draw(sizes(1, 2 if small else 3))
    unit_stride = pair("stride", stride) == (1, 1)
    named = st.sampled_from(["valid", "same"] if unit_stride else ["valid"])
    padding = draw(sizes(0, 3) | named)
    steps, spread = pair("stride", stride), pair("dilation", dilation)
    top, bottom, left, right = conv_padding(padding, kernel_size, steps, spread)
    least = (spread[0] * (kernel_size[0] - 1) + 1 - top - bottom, spread[1] * (kernel_size[1] - 1) + 1 - left - right)
    return Convolution(
        batch=draw(st.integers(1, 2) if small else st.sampled_from(BATCHES)),
        in_channels=groups * draw(channels),
        out_channels=groups * draw(channels),
        size=draw(images(least, 6 if small else LARGEST_IMAGE)),
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        seed=draw(seeds),
    )


@st.composite
def depthwise_convolutions(draw: st.DrawFn) -> Convolution:
    """One source and one target channel in each group, with windows of constant size and beyond."""
    channels, kernel_size = draw(st.integers(1, 9)), draw(pairs(1, 5) | st.sampled_from([(1, 7), (7, 1), (6, 5)]))
    case = draw(convolutions())
    dilation, padding = pair("dilation", case.dilation), draw(sizes(0, 4))
    top, left = pair("padding", padding, least=0)
    least = (dilation[0] * (kernel_size[0] - 1) + 1 - 2 * top, dilation[1] * (kernel_size[1] - 1) + 1 - 2 * left)
    size = draw(images(least, max(LARGEST_IMAGE, *least)))
    return replace(case, in_channels=channels, out_channels=channels, groups=channels, size=size,
                   kernel_size=kernel_size, padding=padding)


@st.composite
def winograd_convolutions(draw: st.DrawFn) -> Convolution:
    """3×3 kernels without stride and dilation, on images with no, some and only whole tiles."""
    case = draw(convolutions())
    padding = draw(sizes(0, 4) | st.sampled_from(["valid", "same"]))
    top, bottom, left, right = conv_padding(padding, (3, 3), (1, 1), (1, 1))
    return replace(case, size=draw(images((3 - top - bottom, 3 - left - right), 18)), kernel_size=(3, 3), stride=1,
                   padding=padding, dilation=1)


@st.composite
def transposed_convolutions(draw: st.DrawFn, small: bool = False) -> Transposed:
    """small: few enough elements to nudge each one."""
    groups = draw(st.integers(1, 2 if small else 3))
    channels = st.integers(1, 2) if small else st.sampled_from(CHANNELS[: len(CHANNELS) // groups])
    stride, dilation = draw(pairs(1, 3)), draw(pairs(1, 2 if small else 3))
    case = Transposed(
        batch=draw(st.integers(1, 2) if small else st.sampled_from(BATCHES)),
        in_channels=groups * draw(channels),
        out_channels=groups * draw(channels),
        size=draw(pairs(1, 3 if small else 7)),
        kernel_size=draw(pairs(1, 3 if small else 5)),
        stride=stride,
        padding=draw(sizes(0, 3)),
        output_padding=(draw(st.integers(0, max(stride[0], dilation[0]) - 1)),
                        draw(st.integers(0, max(stride[1], dilation[1]) - 1))),
        dilation=dilation,
        groups=groups,
        seed=draw(seeds),
    )
    assume(min(case.y_shape) > 0)
    return case


@st.composite
def poolings(draw: st.DrawFn, small: bool = False) -> Pooling:
    """small: few enough elements to nudge each one."""
    kernel_size = draw(sizes(1, 3 if small else 5))
    height, width = pair("kernel_size", kernel_size)
    padding = draw(st.integers(0, min(height, width) // 2)
                   | st.tuples(st.integers(0, height // 2), st.integers(0, width // 2)))
    top, left = pair("padding", padding, least=0)
    return Pooling(
        batch=draw(st.integers(1, 2) if small else st.sampled_from(BATCHES)),
        channels=draw(st.integers(1, 2 if small else 7)),
        size=draw(images((height - 2 * top, width - 2 * left), 6 if small else LARGEST_IMAGE)),
        kernel_size=kernel_size,
        stride=draw(st.none() | sizes(1, 3)),
        padding=padding,
        ceil_mode=draw(st.booleans()),
        count_include_pad=draw(st.booleans()),
        seed=draw(seeds),
    )


@st.composite
def linears(draw: st.DrawFn, small: bool = False) -> Linear:
    """small: few enough elements to nudge each one."""
    features = st.integers(1, 5) if small else st.integers(1, 70)
    return Linear(
        batch=draw(st.integers(1, 3) if small else st.sampled_from(BATCHES)),
        in_features=draw(features),
        out_features=draw(features),
        seed=draw(seeds),
    )


@dataclass(frozen=True)
class Axis:
    """One axis of a convolution with a non-empty output: `before` and `after` are its padding."""

    size: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int

    @property
    def outputs(self) -> int:
        return (self.size + self.before + self.after - self.dilation * (self.kernel - 1) - 1) // self.stride + 1


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    kernel, dilation = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    before, after = draw(st.integers(0, 4)), draw(st.integers(0, 4))
    size = draw(st.integers(max(1, dilation * (kernel - 1) + 1 - before - after), LARGEST_IMAGE))
    return Axis(size, kernel, draw(st.integers(1, 4)), before, after, dilation)
