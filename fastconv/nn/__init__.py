"""Layers and losses: what a network is made of, with PyTorch's names and arguments."""

from fastconv.nn.activation import ReLU, Sigmoid, Softmax, Tanh
from fastconv.nn.convolution import Conv2d
from fastconv.nn.flatten import Flatten
from fastconv.nn.layer import Layer
from fastconv.nn.linear import Linear
from fastconv.nn.loss import CrossEntropyLoss, MSELoss
from fastconv.nn.pooling import AvgPool2d, MaxPool2d
from fastconv.nn.sequential import Sequential

__all__ = [
    "AvgPool2d", "Conv2d", "CrossEntropyLoss", "Flatten", "Layer", "Linear", "MSELoss", "MaxPool2d", "ReLU",
    "Sequential", "Sigmoid", "Softmax", "Tanh",
]
