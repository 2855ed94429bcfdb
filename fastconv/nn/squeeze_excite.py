"""Squeeze and excitation: channels weighted by what the whole image holds."""

from __future__ import annotations

from fastconv.nn.activation import ReLU, Sigmoid
from fastconv.nn.container import Container
from fastconv.nn.convolution import Conv2d
from fastconv.nn.graph import Multiply
from fastconv.nn.layer import Node, joined
from fastconv.nn.pooling import AdaptiveAvgPool2d
from fastconv.shapes import integer


class SqueezeExcite(Container):
    """x · σ(fc2(ReLU(fc1(means of x over its pixels)))) for x (N, C, H, W) (Hu et al. 2018, equations 2 to 4).

    squeeze_channels: outputs of fc1; channels / reduction, and at least one, by default.
    Parameters are named and shaped as in torchvision's SqueezeExcitation: fc1.weight (S, C, 1, 1), fc1.bias,
    fc2.weight (C, S, 1, 1), fc2.bias.
    """

    def __init__(self, channels: int, reduction: int = 16, squeeze_channels: int | None = None) -> None:
        hidden = max(1, integer("channels", channels) // integer("reduction", reduction))
        if squeeze_channels is not None:
            hidden = integer("squeeze_channels", squeeze_channels)
        self._multiply = Multiply()
        children = {"avgpool": AdaptiveAvgPool2d(1), "fc1": Conv2d(channels, hidden, 1), "activation": ReLU(),
                    "fc2": Conv2d(hidden, channels, 1), "scale_activation": Sigmoid()}
        super().__init__(children.items(), channels=channels, reduction=reduction, squeeze_channels=squeeze_channels)

    def expand(self, nodes: list[Node], name: str, *values: int) -> int:
        (x,) = scale = values
        for child, layer in self.children.items():
            scale = (layer.expand(nodes, joined(name, child), *scale),)
        return self._multiply.expand(nodes, joined(name, "multiply"), x, *scale)
