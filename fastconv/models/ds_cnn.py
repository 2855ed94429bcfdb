"""Keyword spotting with depthwise separable convolutions."""

from __future__ import annotations

from collections.abc import Callable

from fastconv.models.chain import Chain
from fastconv.nn import AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Graph, Layer, Linear, ReLU

#: Channels of every convolution.
WIDTH = 64


def ds_cnn(num_classes: int = 12, activation: Callable[[int], Layer] | None = None) -> Graph:
    """The DS-CNN of MLPerf Tiny for features 1×49×10 (Zhang et al. 2017; Banbury et al. 2021).

    2.7 million multiply-adds, 23,756 parameters. The dropout of the reference code is left out.
    """
    make, net = activation or (lambda channels: ReLU()), Chain()

    def convolution(number: str, layer: Conv2d) -> None:
        net.add(f"conv{number}", layer)
        net.add(f"bn{number}", BatchNorm2d(WIDTH))
        net.add(f"act{number}", make(WIDTH))

    convolution("1", Conv2d(1, WIDTH, (10, 4), stride=2, padding=(4, 5, 1, 1)))
    for block in range(2, 6):
        convolution(f"{block}.depthwise", Conv2d(WIDTH, WIDTH, 3, padding=1, groups=WIDTH))
        convolution(f"{block}.pointwise", Conv2d(WIDTH, WIDTH, 1))
    net.add("pool", AdaptiveAvgPool2d(1))
    net.add("flatten", Flatten())
    net.add("fc", Linear(WIDTH, num_classes))
    return net.graph((1, 49, 10))
