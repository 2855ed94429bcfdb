"""Layers and losses: what a network is made of, with PyTorch's names and arguments."""

from fastconv.nn.acon import AconA, AconB, AconC, MetaAconC
from fastconv.nn.activation import (
    ELU,
    GELU,
    SELU,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Swish,
    Tanh,
)
from fastconv.nn.batch_norm import BatchNorm2d
from fastconv.nn.catalogue import ACTIVATIONS
from fastconv.nn.channels import ChannelShuffle, Concat, Narrow
from fastconv.nn.convolution import Conv2d, ConvTranspose2d
from fastconv.nn.dropout import Dropout, Dropout2d
from fastconv.nn.flatten import Flatten
from fastconv.nn.graph import Add, Graph, Multiply, Residual
from fastconv.nn.group_norm import GroupNorm, LayerNorm
from fastconv.nn.layer import Layer
from fastconv.nn.linear import Linear
from fastconv.nn.loss import CrossEntropyLoss, MSELoss
from fastconv.nn.pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool2d, MaxPool2d
from fastconv.nn.sequential import Sequential
from fastconv.nn.squeeze_excite import SqueezeExcite
from fastconv.nn.upsample import Upsample

__all__ = [
    "ACTIVATIONS", "ELU", "GELU", "SELU", "AconA", "AconB", "AconC", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "Add",
    "AvgPool2d", "BatchNorm2d", "ChannelShuffle", "Concat", "Conv2d", "ConvTranspose2d", "CrossEntropyLoss", "Dropout",
    "Dropout2d", "Flatten", "Graph", "GroupNorm", "Hardswish", "Hardtanh", "Layer", "LayerNorm", "LeakyReLU", "Linear",
    "MSELoss", "MaxPool2d", "MetaAconC", "Mish", "Multiply", "Narrow", "PReLU", "ReLU", "ReLU6", "Residual",
    "Sequential", "SiLU", "Sigmoid", "Softmax", "Softplus", "SqueezeExcite", "Swish", "Tanh", "Upsample",
]
