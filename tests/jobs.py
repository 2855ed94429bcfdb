"""Jobs of `kernels.work` whose kernels are Python functions, to see which thread does what and when."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable

import numpy as np

from fastconv.engine.team import Table
from fastconv.kernels import work

#: Longer than anything here takes; it is used up only where threads wait for each other in vain.
PATIENCE_SECONDS = 60

_KERNEL = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)


class Job:
    """Phases of `units` units each; a phase is a function of (worker, unit), and needs the phase before it.

    table: what `kernels.work` takes.  calls: for each worker, a row (kernel address, argument, 0) for each phase.
    stop: the word that ends the job.
    """

    def __init__(self, workers: int, units: int, *phases: Callable[[int, int], object]) -> None:
        self._errors: list[BaseException] = []
        self._kernels = [_KERNEL(self._reporting(phase)) for phase in phases]
        addresses = [ctypes.cast(kernel, ctypes.c_void_p).value for kernel in self._kernels]
        self.calls = [np.array([(address, worker, 0) for address in addresses], np.int64) for worker in range(workers)]
        self.stop = np.zeros(1, np.int64)
        self._tables = {
            work.STARTS: np.arange(len(phases) + 1),
            work.SIZES: np.full(len(phases), units),
            **{table: np.zeros(len(phases), np.int64) for table in (work.UNITS, work.CLAIMED, work.FINISHED)},
            work.NEEDS: np.arange(len(phases)) - 1,
            work.STOP: self.stop,
            **{work.CALLS + worker: calls for worker, calls in enumerate(self.calls)},
        }
        self.table = Table(work.CALLS + workers)
        self.table.words[work.PHASES] = len(phases)
        for place, table in self._tables.items():
            self.table.words[place] = table.ctypes.data

    def _reporting(self, phase: Callable[[int, int], object]) -> Callable[[int, int], None]:
        def kernel(worker: int, unit: int) -> None:
            try:
                phase(worker, unit)
            except BaseException as error:  # native code has no way to pass it on
                self._errors.append(error)

        return kernel

    def run(self, do: Callable[[Table], None]) -> None:
        """Has `do` do the job, given its table, and raises the first error of its kernels."""
        do(self.table)
        for error in self._errors:
            raise error


def meeting(workers: int, seconds: float = PATIENCE_SECONDS) -> Callable[[], int]:
    """A function that returns when all workers have called it."""
    return threading.Barrier(workers, timeout=seconds).wait
