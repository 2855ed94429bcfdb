"""The libraries fastconv is measured beside, where they are installed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

import fastconv as fc
from fastconv import nn


def torch() -> Any:
    """PyTorch with fastconv's number of threads, or None."""
    if find_spec("torch") is None:
        return None
    module = importlib.import_module("torch")
    module.set_num_threads(fc.get_num_threads())
    return module


def has_onnx_runtime() -> bool:
    return find_spec("onnxruntime") is not None and find_spec("onnx") is not None


def onnx_session(model: nn.Layer, x: np.ndarray) -> Callable[[], object]:
    """A call that runs an exported network on x."""
    import onnxruntime

    from fastconv.onnx.exporter import to_proto

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = fc.get_num_threads()
    session = onnxruntime.InferenceSession(to_proto(model, x.shape[1:]).SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": x})
