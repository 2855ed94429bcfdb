"""The switch β of meta-ACON for one image (Ma et al. 2021, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from fastconv.engine.builder import Builder
from fastconv.engine.operators.activation import Formula
from fastconv.engine.operators.planes.convolution import linear
from fastconv.engine.operators.planes.elementwise import activate
from fastconv.engine.operators.planes.pooling import avg_pool2d, plane_sums
from fastconv.engine.operators.window import Window
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, Weight
from fastconv.layout import Packed


def switch_of_image(builder: Builder, x: Tensor) -> Tensor:
    """σ of the sum of the channels' means (1, 1, 1): the layer-wise switch of meta-ACON."""
    means = avg_pool2d(builder, x, Window(x.place.size))
    row = Tensor(Packed.alone(1, 1, means.place.channels), means.buffer, needs_grad=False)
    return activate(builder, plane_sums(builder, row, 1.0), Formula("sigmoid"))


def switch_of_channels(builder: Builder, x: Tensor, layers: Iterable[tuple[Weight, Bias]]) -> Tensor:
    """σ of what linear layers make of the channels' means (C, 1, 1): the channel-wise switch of meta-ACON."""
    switch = avg_pool2d(builder, x, Window(x.place.size))
    for weight, bias in layers:
        switch = linear(builder, switch, weight, bias)
    return activate(builder, switch, Formula("sigmoid"))
