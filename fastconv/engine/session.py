"""A program that is ready for batches."""

from __future__ import annotations

import numpy as np

from fastconv.engine.builder import PACK, RUN, Builder
from fastconv.engine.update import Update
from fastconv.kernels.abi import COUNT, IMAGES, INDICES, KEY, RESULTS, SEED, STEP, STOP, TARGETS, TOTAL


class Session:
    """A built program and the arrays of its current batch. Used by one thread at a time."""

    def __init__(self, builder: Builder, update: Update | None = None) -> None:
        self.program = builder.program(update)
        self.capacity = builder.capacity
        self._derived, self._gathered = builder.derived, builder.gathered
        self._packed = [weight.parameter for weight in builder.weights]
        self._trained = [each.parameter for each in builder.trained]
        self._packed_version = 0
        self._updates = update is not None
        self._in_order = np.arange(0)

    @property
    def stopped(self) -> bool:
        """Whether a kernel stopped the last batch before anything was updated."""
        return bool(self.program.batch[STOP])

    def run(self, count: int, images: np.ndarray, indices: np.ndarray | None = None, targets: np.ndarray | None = None,
            results: np.ndarray | None = None, key: int = 0, seed: int = 0, step: int = 0) -> None:
        """Runs images[indices], or the first `count` images; all arrays are C-contiguous.

        key: an int64 that all random numbers of these images come from.
        seed, step: what the other random numbers are drawn for.

        Leaves the gradients of the trainable parameters, and with an update also changes these.
        """
        table = self.program.batch
        table[STOP] = 0
        for derived in self._derived:
            derived.refresh()
        newest = self._newest()
        first = PACK if newest > self._packed_version else RUN
        if indices is None:
            if len(self._in_order) < count:
                self._in_order = np.arange(count)
            indices = self._in_order
        table[IMAGES], table[INDICES], table[COUNT] = images.ctypes.data, indices.ctypes.data, count
        table[KEY], table[TOTAL] = key, len(images)
        table[TARGETS] = 0 if targets is None else targets.ctypes.data
        table[RESULTS] = 0 if results is None else results.ctypes.data
        table[SEED], table[STEP] = seed, step
        self.program.run(count, first)
        if self._updates and not table[STOP]:
            for parameter in (*self._trained, *self._gathered):
                parameter.changed()
            newest = self._newest()
        self._packed_version = newest

    def _newest(self) -> int:
        return max([parameter.version for parameter in self._packed], default=0)
