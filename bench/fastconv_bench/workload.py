"""What is measured: one piece of work, and everybody who can do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

#: Contenders in the order in which tables show them. FASTCONV is the one the others are compared with.
FASTCONV = "fastconv"
NUMPY, PYTORCH, CHANNELS_LAST, ONNX_RUNTIME = "NumPy", "PyTorch", "PyTorch channels_last", "ONNX Runtime"
PEERS = (NUMPY, PYTORCH, CHANNELS_LAST, ONNX_RUNTIME)

#: NumPy is given fewer images of a large batch, and its time is scaled up: it would take most of a run.
NUMPY_IMAGES = 16


@dataclass(frozen=True)
class Contender:
    """call does the work for `images` images."""

    call: Callable[[], object]
    images: int


@dataclass(frozen=True)
class Workload:
    """Work on a batch of `images` images.

    flop: floating-point operations of the batch; taps in the padding do not count.
    bytes: what must be read and written at least; 0 where it fits into the caches.
    make: the contenders by name, ready to run; it is called just before they are timed.
    """

    name: str
    images: int
    make: Callable[[], dict[str, Contender]]
    flop: float = 0.0
    bytes: float = 0.0
