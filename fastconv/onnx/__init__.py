"""Networks from and to ONNX files, and ONNX models run operator by operator. It needs the package onnx.

    model = fc.onnx.load("resnet8.onnx")               # layers: to train, to save, to call
    fc.onnx.export(model, "again.onnx")                # what ONNX Runtime and others run
    fc.onnx.prepare(proto).run([x])                    # a `ModelProto` on NumPy arrays, of any rank

`pip install "fastconv[onnx]"` brings the package; it is imported when one of these is first used.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fastconv.errors import OnnxError

if TYPE_CHECKING:
    from fastconv.onnx.backend import prepare, run_model, run_node, supports_device
    from fastconv.onnx.exporter import export
    from fastconv.onnx.importer import load

_NAMES = {"export": "exporter", "load": "importer", "prepare": "backend", "run_model": "backend",
          "run_node": "backend", "supports_device": "backend"}

__all__ = ["export", "load", "prepare", "run_model", "run_node", "supports_device"]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'fastconv.onnx' has no attribute {name!r}")
    if find_spec("onnx") is None:
        raise OnnxError('ONNX files need the package onnx: pip install "fastconv[onnx]"')
    return getattr(importlib.import_module(f"fastconv.onnx.{_NAMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
