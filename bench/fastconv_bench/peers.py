"""The libraries fastconv is measured beside, where they are installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

import fastconv as fc


def torch() -> Any:
    """PyTorch with fastconv's number of threads, or None."""
    if find_spec("torch") is None:
        return None
    module = importlib.import_module("torch")
    module.set_num_threads(fc.get_num_threads())
    return module


def has_onnx_runtime() -> bool:
    return find_spec("onnxruntime") is not None and find_spec("onnx") is not None


#: An operator, the names of what it reads, the name of what it makes, and its attributes.
OnnxNode = tuple[str, list[str], str, dict[str, Any]]


def onnx_session(nodes: Sequence[tuple[str, list[str], dict[str, Any]]], weights: dict[str, np.ndarray],
                 x: np.ndarray) -> Callable[[], object]:
    """A call that runs a chain of ONNX nodes (operator, names of weights, attributes) on x."""
    return onnx_graph([(operator, [f"value{i}", *inputs], f"value{i + 1}", attributes)
                       for i, (operator, inputs, attributes) in enumerate(nodes)], weights, x)


def onnx_graph(nodes: Sequence[OnnxNode], weights: dict[str, np.ndarray], x: np.ndarray) -> Callable[[], object]:
    """A call that runs ONNX nodes on x, which they call value0; the last one makes what is returned."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    made = [helper.make_node(operator, inputs, [output], **attributes)
            for operator, inputs, output, attributes in nodes]
    used = {name for _, inputs, _, _ in nodes for name in inputs}
    graph = helper.make_graph(
        made, "network", [helper.make_tensor_value_info("value0", TensorProto.FLOAT, list(x.shape))],
        [helper.make_tensor_value_info(nodes[-1][2], TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items() if name in used])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = fc.get_num_threads()
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"value0": x})
