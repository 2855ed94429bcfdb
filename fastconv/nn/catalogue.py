"""The activations by name."""

from __future__ import annotations

from collections.abc import Callable

from fastconv.nn import acon
from fastconv.nn import activation as layers
from fastconv.nn.layer import Layer

#: Every activation by its name on the command line: a function of the number of channels that makes a new layer.
ACTIVATIONS: dict[str, Callable[[int], Layer]] = {
    "relu": lambda channels: layers.ReLU(),
    "lrelu": lambda channels: layers.LeakyReLU(),
    "prelu": layers.PReLU,
    "elu": lambda channels: layers.ELU(),
    "selu": lambda channels: layers.SELU(),
    "gelu": lambda channels: layers.GELU(),
    "gelu-tanh": lambda channels: layers.GELU("tanh"),
    "sigmoid": lambda channels: layers.Sigmoid(),
    "tanh": lambda channels: layers.Tanh(),
    "softplus": lambda channels: layers.Softplus(),
    "swish": lambda channels: layers.SiLU(),
    "swish-learnable": lambda channels: layers.Swish(learnable=True),
    "mish": lambda channels: layers.Mish(),
    "hardswish": lambda channels: layers.Hardswish(),
    "acon-a": acon.AconA,
    "acon-b": acon.AconB,
    "acon-c": acon.AconC,
    "meta-acon-pixel": lambda channels: acon.MetaAconC(channels, design="pixel"),
    "meta-acon-layer": lambda channels: acon.MetaAconC(channels, design="layer"),
    "meta-acon": acon.MetaAconC,
}
