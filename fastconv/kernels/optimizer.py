"""The updates of all optimizers by name."""

from __future__ import annotations

from fastconv.kernels.abi import Kernel
from fastconv.kernels.optimizer_adam import adam, nadam, swats
from fastconv.kernels.optimizer_adaptive import adadelta, adagrad, rmsprop
from fastconv.kernels.optimizer_sgd import momentum, sgd, sgdw

KERNELS: dict[str, Kernel] = {kernel.__name__: kernel for kernel in (
    sgd, momentum, sgdw, adagrad, adadelta, rmsprop, adam, nadam, swats)}
