"""LeNet-5, as it is trained today and as it was published."""

from __future__ import annotations

from collections.abc import Callable

from fastconv.nn import AvgPool2d, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU, Sequential, Tanh

#: What makes an activation for so many channels, as those of `nn.ACTIVATIONS` do.
Activation = Callable[[int], Layer]


def lenet5(num_classes: int = 10, activation: Activation | None = None) -> Sequential:
    """LeNet-5 with max pooling and ReLU, or another activation, for images 1×28×28."""
    make = activation or (lambda channels: ReLU())
    return Sequential(
        Conv2d(1, 6, 5, padding=2), make(6), MaxPool2d(2),
        Conv2d(6, 16, 5), make(16), MaxPool2d(2),
        Flatten(),
        Linear(400, 120), make(120),
        Linear(120, 84), make(84),
        Linear(84, num_classes),
    )


def lenet5_classic(num_classes: int = 10, activation: Activation | None = None) -> Sequential:
    """LeNet-5 with average pooling and tanh (LeCun et al. 1998, section II.B), or another activation, for 1×28×28.

    Simpler than the paper in three places, as is usual: pooling has no weights, the second convolution sees all
    channels, and the outputs are linear.
    """
    make = activation or (lambda channels: Tanh())
    return Sequential(
        Conv2d(1, 6, 5, padding=2), make(6), AvgPool2d(2),
        Conv2d(6, 16, 5), make(16), AvgPool2d(2),
        Conv2d(16, 120, 5), make(120),
        Flatten(),
        Linear(120, 84), make(84),
        Linear(84, num_classes),
    )
