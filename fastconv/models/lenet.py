"""LeNet-5, as it is trained today and as it was published."""

from __future__ import annotations

from fastconv.nn import AvgPool2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, Tanh


def lenet5(num_classes: int = 10) -> Sequential:
    """LeNet-5 with ReLU and max pooling, for images 1×28×28."""
    return Sequential(
        Conv2d(1, 6, 5, padding=2), ReLU(), MaxPool2d(2),
        Conv2d(6, 16, 5), ReLU(), MaxPool2d(2),
        Flatten(),
        Linear(400, 120), ReLU(),
        Linear(120, 84), ReLU(),
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
