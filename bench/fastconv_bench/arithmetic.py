"""How much a network's layers compute."""

from __future__ import annotations

import math

from fastconv.engine.operators.window import forward_taps
from fastconv.nn import Conv2d, Layer, Linear
from fastconv.nn.layer import Shape
from fastconv.nn.windows import conv_window


def multiply_adds(layer: Layer, shape: Shape) -> float:
    """Those of one image of a batch of `shape`, of convolutions and linear layers; taps in the padding do not count."""
    if isinstance(layer, Conv2d):
        window = conv_window(layer)
        outputs = window.output_size((shape[2], shape[3]))
        taps = math.prod(int(forward_taps(window, axis, shape[2 + axis], outputs[axis]).table[:, 1].sum())
                         for axis in (0, 1))
        return taps * layer.out_channels * layer.in_channels / layer.groups
    return layer.in_features * layer.out_features if isinstance(layer, Linear) else 0.0
