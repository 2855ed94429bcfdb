"""The switch β of meta-ACON, from the means of x over its pixels (Ma et al. 2021, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterable

from fastconv.engine.builder import Builder
from fastconv.engine.operators.activation import Formula, activate, pixel_means
from fastconv.engine.operators.convolution import linear
from fastconv.engine.tensor import Tensor
from fastconv.engine.weights import Bias, Weight


def switch_of_image(builder: Builder, x: Tensor) -> Tensor:
    """σ of the sum of the channels' means (1, 1, 1): the layer-wise design."""
    return activate(builder, pixel_means(builder, x, summed=True), Formula("sigmoid"))


def switch_of_channels(builder: Builder, x: Tensor, layers: Iterable[tuple[Weight, Bias]]) -> Tensor:
    """σ of what linear layers make of the channels' means (C, 1, 1): the channel-wise design."""
    switch = pixel_means(builder, x)
    for weight, bias in layers:
        switch = linear(builder, switch, weight, bias)
    return activate(builder, switch, Formula("sigmoid"))
