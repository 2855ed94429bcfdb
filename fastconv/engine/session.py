"""A program that is ready for batches."""

from __future__ import annotations

import numpy as np

from fastconv.engine import callers, team
from fastconv.engine.builder import PACK, RUN, Builder
from fastconv.engine.parameter import changes
from fastconv.engine.update import Update
from fastconv.kernels import work
from fastconv.kernels.abi import COUNT, IMAGES, INDICES, KEY, RESULTS, SEED, STEP, STOP, TARGETS, TOTAL


class Session:
    """A built program and the arrays of its current batch. Used by one thread at a time."""

    def __init__(self, builder: Builder, update: Update | None = None) -> None:
        self.program = builder.program(update)
        self.capacity = builder.capacity
        self._derived, self._gathered = builder.derived, builder.gathered
        self._packed = [weight.parameter for weight in builder.weights]
        self._trained = [each.parameter for each in builder.trained]
        self._packed_version = self._seen_change = 0
        self._updates = update is not None
        self._in_order, self._in_order_address = np.arange(0), 0
        self._job, self._table = self.program.addresses

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
        first = PACK if self._must_pack() else RUN
        table[IMAGES], table[COUNT] = images.ctypes.data, count
        table[INDICES] = self._in_order_of(count) if indices is None else indices.ctypes.data
        table[KEY], table[TOTAL] = key, len(images)
        table[TARGETS] = 0 if targets is None else targets.ctypes.data
        table[RESULTS] = 0 if results is None else results.ctypes.data
        table[SEED], table[STEP] = seed, step
        self.program.run(count, first)
        if self._updates and not table[STOP]:
            for parameter in (*self._trained, *self._gathered):
                parameter.changed()
            self._packed_version = self._newest()

    def predict(self, count: int, images: np.ndarray, results: np.ndarray, brief: bool) -> None:
        """As `run`, of the first `count` images of a program for single images, by this thread alone, with less ado.

        brief: it takes less time than handing over the GIL, which it then holds unless calls are close.
        """
        close, first = callers.callers.let_go(), self._first_phase(count)
        if brief and not close:
            work.predict_briefly(self._job, first, self._table, count, images, results)
        else:
            self._predict_without_gil(first, count, images, results, close)

    def predict_together(self, image: np.ndarray, results: np.ndarray) -> None:
        """As `predict`, of a single image that the program divides among all its threads."""
        first = self._first_phase(1)
        about = self._job, first, self._table, image, results
        if not team.team.lead(self.program.workers, work.lead_prediction, *about):
            self._predict_without_gil(first, 1, image, results, close=False)

    def _predict_without_gil(self, first: int, count: int, images: np.ndarray, results: np.ndarray,
                             close: bool) -> None:
        work.predict(self._job, first, self._table, count, images, results, callers.callers.address)
        callers.callers.taken[0] = close

    def _in_order_of(self, count: int) -> int:
        """The address of the indices of the first `count` images."""
        if self._in_order.size < count:
            self._in_order = np.arange(count)
            self._in_order_address = self._in_order.ctypes.data
        return self._in_order_address

    def _first_phase(self, count: int) -> int:
        """Where a prediction of so many images begins."""
        if self._in_order.size < count:
            self.program.batch[INDICES] = self._in_order_of(count)
        return PACK if changes.last != self._seen_change and self._must_pack() else RUN

    def _must_pack(self) -> bool:
        """Whether a parameter has changed since the weights were packed; those that are derived are then computed."""
        change = changes.last
        if change == self._seen_change:
            return False
        for derived in self._derived:
            derived.refresh()
        newest, packed = self._newest(), self._packed_version
        self._packed_version, self._seen_change = newest, change
        return newest > packed

    def _newest(self) -> int:
        return max([parameter.version for parameter in self._packed], default=0)
