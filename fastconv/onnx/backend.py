"""ONNX models run operator by operator: an implementation of `onnx.backend.base`.

    onnx.backend.test.BackendTest(fastconv.onnx.backend, __name__)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.backend.base import Backend, BackendRep

from fastconv.errors import OnnxError
from fastconv.onnx.evaluate import compute, evaluate
from fastconv.onnx.model import Model, node_of, parse


class Prepared(BackendRep):
    """A model that is ready to be run."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def run(self, inputs: Any, **kwargs: Any) -> tuple[NDArray[Any], ...]:
        """The outputs for a list of inputs in the model's order, or for inputs by name."""
        names = [each.name for each in self.model.inputs]
        if not isinstance(inputs, dict):
            if len(inputs) != len(names):
                raise OnnxError(f"expected the inputs {names}, found {len(inputs)}")
            inputs = dict(zip(names, inputs, strict=True))
        return tuple(evaluate(self.model, inputs))


class FastconvBackend(Backend):
    """Runs models on the CPU, with fastconv's kernels for all that has many multiplications."""

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> Prepared:
        """Raises OnnxError for a model that is not sound, and UnsupportedError for one that cannot be run."""
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return Prepared(parse(copy))

    @classmethod
    def run_node(cls, node: onnx.NodeProto, inputs: Any, device: str = "CPU",
                 outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
                 **kwargs: Any) -> tuple[NDArray[Any], ...]:
        """The outputs of one node for a list of its inputs."""
        made = compute(node_of(node), [None if each is None else np.asarray(each) for each in inputs])
        return tuple(made.values())

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device == "CPU"


prepare, run_model, run_node = FastconvBackend.prepare, FastconvBackend.run_model, FastconvBackend.run_node
supports_device = FastconvBackend.supports_device
