"""The layers that ONNX's operators stand for, each a function of the network, the node's inputs and its attributes.

Inputs are values of the network or constant arrays.
"""

from __future__ import annotations

from types import ModuleType

from fastconv.onnx.lowering import activation, arithmetic, channels, normalisation, own, shape, weighted, window
from fastconv.onnx.signature import Operator

_MODULES: tuple[ModuleType, ...] = (
    activation, arithmetic, channels, normalisation, own, shape, weighted, window)

#: Every operator that can be a layer, or part of one, by its type.
LAYERS = {op: Operator.of(function, context=1) for module in _MODULES for op, function in module.LAYERS.items()}

__all__ = ["LAYERS"]
