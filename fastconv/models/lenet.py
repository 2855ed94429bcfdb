"""LeNet-5, as it is trained today and as it was published."""

from __future__ import annotations

from collections.abc import Callable

from fastconv.nn import ACTIVATIONS, AvgPool2d, Conv2d, Flatten, Layer, Linear, MaxPool2d, Sequential, Tanh


def lenet5(num_classes: int = 10, activation: Callable[[int], Layer] = ACTIVATIONS["relu"]) -> Sequential:
    """LeNet-5 with max pooling, for images 1×28×28.

    activation: makes one, ReLU by default, for a number of channels.
    """
    return Sequential(
        Conv2d(1, 6, 5, padding=2), activation(6), MaxPool2d(2),
        Conv2d(6, 16, 5), activation(16), MaxPool2d(2),
        Flatten(),
        Linear(400, 120), activation(120),
        Linear(120, 84), activation(84),
        Linear(84, num_classes),
    )


def lenet5_classic(num_classes: int = 10) -> Sequential:
    """LeNet-5 with tanh and average pooling (LeCun et al. 1998, section II.B), for images 1×28×28.

    Simpler than the paper in three places, as is usual: pooling has no weights, the second convolution sees all
    channels, and the outputs are linear.
    """
    return Sequential(
        Conv2d(1, 6, 5, padding=2), Tanh(), AvgPool2d(2),
        Conv2d(6, 16, 5), Tanh(), AvgPool2d(2),
        Conv2d(16, 120, 5), Tanh(),
        Flatten(),
        Linear(120, 84), Tanh(),
        Linear(84, num_classes),
    )
