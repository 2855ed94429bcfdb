"""MobileNet: depthwise separable convolutions for phones and smaller things."""

from __future__ import annotations

from collections.abc import Callable

from fastconv.models.chain import Chain
from fastconv.nn import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Graph, Layer, Linear, ReLU

#: Of the first convolution and of each pointwise one, at width 1: channels, and the stride of what goes before.
CHANNELS = [(32, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]


def mobilenet_v1(num_classes: int = 2, width_multiplier: float = 0.25,
                 activation: Callable[[int], Layer] | None = None) -> Graph:
    """MobileNet for images 3×96×96 (Howard et al. 2017, table 1): as in MLPerf Tiny's visual wake words at width 0.25.

    7.5 million multiply-adds, 213,586 parameters. MLPerf Tiny's convolutions have biases too, which the batch
    normalisation behind them cancels.
    """
    make, net = activation or (lambda channels: ReLU()), Chain()
    (inputs, stride), *blocks = [(max(1, int(channels * width_multiplier)), stride) for channels, stride in CHANNELS]

    def convolution(name: str, layer: Conv2d) -> None:
        net.add(f"{name}.conv", layer)
        net.add(f"{name}.bn", BatchNorm2d(layer.out_channels))
        net.add(f"{name}.act", make(layer.out_channels))

    convolution("stem", Conv2d(3, inputs, 3, stride, padding=1, bias=False))
    for number, (outputs, stride) in enumerate(blocks, 1):
        convolution(f"block{number}.depthwise", Conv2d(inputs, inputs, 3, stride, padding=1, groups=inputs, bias=False))
        convolution(f"block{number}.pointwise", Conv2d(inputs, outputs, 1, bias=False))
        inputs = outputs
    net.add("pool", AdaptiveAvgPool2d(1))
    net.add("flatten", Flatten())
    net.add("fc", Linear(inputs, num_classes))
    return net.graph((3, 96, 96))
