"""Layers and losses: what a network is made of, with PyTorch's names and arguments."""

from collections.abc import Callable

from fastconv.nn.activation import ReLU, Sigmoid, Softmax, Tanh
from fastconv.nn.convolution import Conv2d
from fastconv.nn.flatten import Flatten
from fastconv.nn.layer import Layer
from fastconv.nn.linear import Linear
from fastconv.nn.loss import CrossEntropyLoss, MSELoss
from fastconv.nn.pooling import AvgPool2d, MaxPool2d
from fastconv.nn.sequential import Sequential

__all__ = [
    "ACTIVATIONS", "AvgPool2d", "Conv2d", "CrossEntropyLoss", "Flatten", "Layer", "Linear", "MSELoss", "MaxPool2d",
    "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh",
]

#: Every activation by its name on the command line: a fresh layer for a number of channels.
ACTIVATIONS: dict[str, Callable[[int], Layer]] = {
    "relu": lambda channels: ReLU(),
    "sigmoid": lambda channels: Sigmoid(),
    "tanh": lambda channels: Tanh(),
}
