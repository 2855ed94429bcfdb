"""Models computed operator by operator on NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv.errors import DtypeError, OnnxError, UnsupportedError
from fastconv.onnx.model import Model, Node
from fastconv.onnx.operators import OPERATORS


def evaluate(model: Model, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """The outputs of a model for inputs by name. Raises OnnxError, naming the node, where it cannot be computed."""
    values = dict(model.constants)
    for each in model.inputs:
        if each.name not in inputs:
            raise OnnxError(f'the input "{each.name}" is missing')
        values[each.name] = np.asarray(inputs[each.name])
        if values[each.name].dtype != each.dtype:
            raise OnnxError(f'the input "{each.name}": expected {each.dtype}, found {values[each.name].dtype}')
    for node in model.nodes:
        values |= compute(node, [values[name] if name else None for name in node.inputs])
    return [values[name] for name in model.outputs]


def compute(node: Node, inputs: Sequence[NDArray[Any] | None]) -> dict[str, NDArray[Any]]:
    """What a node makes of arrays, by name. Raises OnnxError, or UnsupportedError, naming it."""
    operator = OPERATORS.get(node.op)
    if operator is None:
        raise UnsupportedError(f"{node}: the operator is not supported")
    try:
        with np.errstate(all="ignore"):
            made = operator.call(node, inputs)
    except OnnxError as error:
        if isinstance(error.__cause__, DtypeError):
            raise UnsupportedError(str(error)) from error
        raise
    outputs = made if isinstance(made, tuple) else (made,)
    if len(node.outputs) > len(outputs):
        raise UnsupportedError(f"{node}: {len(outputs)} outputs are supported, found {len(node.outputs)}")
    return {name: np.asarray(array) for name, array in zip(node.outputs, outputs, strict=False) if name}
