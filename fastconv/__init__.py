"""A CNN engine for ordinary CPUs: trains and runs small convolutional networks.

Everything is imported when it is first used, so that `import fastconv` itself costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from fastconv._version import __version__

if TYPE_CHECKING:
    from fastconv import data, errors, explain, functional, models, nn, onnx, optim
    from fastconv.engine.threads import get_num_threads, set_num_threads
    from fastconv.full_batch import fit_full_batch
    from fastconv.gradient import value_and_grad
    from fastconv.input_gradient import input_grad
    from fastconv.serialization import load, load_state_dict, save
    from fastconv.trainer import Callback, EpochResult, Trainer

_MODULES = ("data", "errors", "explain", "functional", "models", "nn", "onnx", "optim")
_NAMES = {
    "Callback": "fastconv.trainer",
    "EpochResult": "fastconv.trainer",
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
    "Callback", "EpochResult", "Trainer", "__version__", "data", "errors", "explain", "fit_full_batch", "functional",
    "get_num_threads", "input_grad", "load", "load_state_dict", "models", "nn", "onnx", "optim", "save",
    "set_num_threads", "value_and_grad",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"fastconv.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'fastconv' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
