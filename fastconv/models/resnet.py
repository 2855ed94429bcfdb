"""Residual networks for small images (He et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastconv.models.chain import Chain
from fastconv.nn import AdaptiveAvgPool2d, Add, BatchNorm2d, Conv2d, Flatten, Graph, Layer, Linear, ReLU, SqueezeExcite

Activation = Callable[[int], Layer]


def resnet8(num_classes: int = 10, activation: Activation | None = None) -> Graph:
    """The ResNet-8 of MLPerf Tiny for images 3×32×32 (Banbury et al. 2021): three blocks of 16, 32 and 64 channels.

    12.5 million multiply-adds, 78,186 parameters. Its convolutions have biases, and those of the shortcuts no batch
    normalisation.
    """
    return _resnet([16, 32, 64], 1, num_classes, activation, bias=True, normalise_shortcut=False, excite=False)


def resnet20(num_classes: int = 10, activation: Activation | None = None) -> Graph:
    """ResNet-20 for images 3×32×32 (He et al. 2016, section 4.2): three stages of three blocks, 16, 32 and 64 channels.

    Where a stage begins, a 1×1 convolution with batch normalisation makes the shortcut (option B of section 4.1; the
    paper's CIFAR networks have none). With activation=nn.MetaAconC it is the variant with meta-ACON (Ma et al. 2021).
    """
    return _resnet([16, 32, 64], 3, num_classes, activation, bias=False, normalise_shortcut=True, excite=False)


def se_resnet20(num_classes: int = 10, activation: Activation | None = None) -> Graph:
    """ResNet-20 with squeeze and excitation before each addition (Hu et al. 2018, figure 3), for images 3×32×32."""
    return _resnet([16, 32, 64], 3, num_classes, activation, bias=False, normalise_shortcut=True, excite=True)


def _resnet(widths: Sequence[int], blocks: int, num_classes: int, activation: Activation | None, bias: bool,
            normalise_shortcut: bool, excite: bool) -> Graph:
    make, net, channels = activation or (lambda channels: ReLU()), Chain(), widths[0]
    net.add("conv1", Conv2d(3, channels, 3, padding=1, bias=bias))
    net.add("bn1", BatchNorm2d(channels))
    net.add("act1", make(channels))
    for stage, width in enumerate(widths, 1):
        for block in range(blocks):
            stride = 2 if block == 0 and stage > 1 else 1
            _block(net, f"layer{stage}.{block}", channels, width, stride, make, bias, normalise_shortcut,
                   excite)
            channels = width
    net.add("pool", AdaptiveAvgPool2d(1))
    net.add("flatten", Flatten())
    net.add("fc", Linear(channels, num_classes))
    return net.graph((3, 32, 32))


def _block(net: Chain, name: str, inputs: int, outputs: int, stride: int, make: Activation, bias: bool,
           normalise_shortcut: bool, excite: bool) -> None:
    """Two convolutions and a shortcut past them (He et al. 2016, figure 2)."""
    start = shortcut = net.last
    net.add(f"{name}.conv1", Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias))
    net.add(f"{name}.bn1", BatchNorm2d(outputs))
    net.add(f"{name}.act1", make(outputs))
    net.add(f"{name}.conv2", Conv2d(outputs, outputs, 3, padding=1, bias=bias))
    body = net.add(f"{name}.bn2", BatchNorm2d(outputs))
    if excite:
        body = net.add(f"{name}.se", SqueezeExcite(outputs))
    if stride > 1 or inputs != outputs:
        shortcut = net.add(f"{name}.shortcut.0", Conv2d(inputs, outputs, 1, stride, bias=bias), start)
        if normalise_shortcut:
            shortcut = net.add(f"{name}.shortcut.1", BatchNorm2d(outputs))
    net.add(f"{name}.add", Add(), body, shortcut)
    net.add(f"{name}.act2", make(outputs))
