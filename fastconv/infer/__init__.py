"""Inference with NumPy and safetensors alone, where Numba and LLVM cannot be installed.

`load(path)` is a model that is called as the engine's is and gives the same results, up to rounding. Neither Numba nor
llvmlite is imported.
"""

from fastconv.infer.layers import compute
from fastconv.infer.model import Model, load

__all__ = ["Model", "compute", "load"]
