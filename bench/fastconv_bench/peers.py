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


def torch_step(modules: Any, forward: Callable[[Any], Any], layout: Any, images: np.ndarray, labels: np.ndarray,
               lr: float, scale: float, shift: float = 0.0) -> Callable[[], object]:
    """A step of fused AdamW on PyTorch's modules, from uint8 images times scale minus shift, to the loss as a float."""
    torch = importlib.import_module("torch")
    optimizer = torch.optim.AdamW(modules.parameters(), lr=lr, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    raw, targets = torch.from_numpy(images), torch.from_numpy(labels)

    def step() -> float:
        x = raw.to(torch.float32, memory_format=layout).mul_(scale)
        if shift:
            x = x.sub_(shift)
        optimizer.zero_grad()
        loss = loss_of(forward(x), targets)
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    return step


def torch_inference(modules: Any, forward: Callable[[Any], Any], layout: Any, x: np.ndarray) -> Callable[[], object]:
    """A call of PyTorch's modules, NumPy arrays in and out."""
    torch = importlib.import_module("torch")
    modules.eval()

    def call() -> object:
        with torch.inference_mode():
            return forward(torch.from_numpy(x).contiguous(memory_format=layout)).numpy()

    return call


def has_onnx_runtime() -> bool:
    return find_spec("onnxruntime") is not None and find_spec("onnx") is not None


def onnx_session(model: nn.Layer, x: np.ndarray, threads: int | None = None) -> Callable[[], object]:
    """A call that runs an exported network on x; threads: fastconv's number of them where None."""
    import onnxruntime

    from fastconv.onnx.exporter import to_proto

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or fc.get_num_threads()
    session = onnxruntime.InferenceSession(to_proto(model, x.shape[1:]).SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"input": x})
