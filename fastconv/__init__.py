"""A CNN engine for ordinary CPUs: trains and runs small convolutional networks.

Everything is imported when it is first used, so that `import fastconv` itself costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastconv._version import __version__

if TYPE_CHECKING:
    from fastconv import cache, data, errors, explain, functional, infer, models, nn, onnx, optim
    from fastconv.callbacks import EarlyStopping
    from fastconv.engine.threads import get_num_threads, set_num_threads
    from fastconv.full_batch import fit_full_batch
    from fastconv.gradient import value_and_grad
    from fastconv.input_gradient import input_grad
    from fastconv.runs.run import Run
    from fastconv.serialization import load, load_state_dict, save
    from fastconv.trainer import Callback, EpochResult, Plan, Progress, Trainer

_MODULES = ("cache", "data", "errors", "explain", "functional", "infer", "models", "nn", "onnx", "optim")
_NAMES = {
    "Callback": "fastconv.trainer",
    "EarlyStopping": "fastconv.callbacks",
    "EpochResult": "fastconv.trainer",
    "Plan": "fastconv.trainer",
    "Progress": "fastconv.trainer",
    "Run": "fastconv.runs.run",
    "Trainer": "fastconv.trainer",
    "fit_full_batch": "fastconv.full_batch",
    "get_num_threads": "fastconv.engine.threads",
    "input_grad": "fastconv.input_gradient",
    "load": "fastconv.serialization",
    "load_state_dict": "fastconv.serialization",
    "save": "fastconv.serialization",
    "set_num_threads": "fastconv.engine.threads",
    "value_and_grad": "fastconv.gradient",
}

__all__ = [
    "Callback", "EarlyStopping", "EpochResult", "Plan", "Progress", "Run", "Trainer", "__version__", "cache", "data",
    "errors", "explain", "fit_full_batch", "functional", "get_num_threads", "infer", "input_grad", "load",
    "load_state_dict", "models", "nn", "onnx", "optim", "save", "set_num_threads", "value_and_grad",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"fastconv.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'fastconv' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
