"""ONNX's operators on NumPy arrays, each a function of its inputs and attributes.

Convolutions, poolings, matrix products and activations are computed by fastconv's kernels, in float32; arithmetic and
changes of shape by NumPy, in any type it has.
"""

from __future__ import annotations

from types import ModuleType

from fastconv.onnx.operators import (
    activation,
    arithmetic,
    convolution,
    linear,
    normalisation,
    own,
    pooling,
    reduction,
    resize,
    selection,
    shape,
)
from fastconv.onnx.signature import Operator

_MODULES: tuple[ModuleType, ...] = (
    activation, arithmetic, convolution, linear, normalisation, own, pooling, reduction, resize, selection, shape)

#: Every operator that is supported on arrays, by its type.
OPERATORS = {op: Operator.of(function) for module in _MODULES for op, function in module.OPERATORS.items()}

__all__ = ["OPERATORS"]
