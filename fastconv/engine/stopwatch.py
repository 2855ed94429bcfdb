"""What each call of a program takes, measured while the program runs as it always does, in one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.memory import At, Fixed
from fastconv.engine.program import Call, Phase, Program
from fastconv.engine.session import Session
from fastconv.kernels.stamp import stamp, ticks


class Stopwatch:
    """A session whose program notes the time after every call.

    calls: those that are timed, in order, each with whether it is made once for each group of images.
    """

    def __init__(self, session: Session) -> None:
        self.session, self.calls = session, [
            (call, phase.units is None) for phase in session.program.phases for call in phase.calls]
        self._whole = session.program
        self._last, self._totals = np.zeros(1, np.int64), np.zeros(len(self.calls), np.int64)
        self._skipped = Fixed(np.zeros(1, np.int64))
        first = 0
        phases: list[Phase] = []
        for phase in session.program.phases:
            phases.append(replace(phase, calls=self._stamped(phase.calls, first)))
            first += len(phase.calls)
        self._stamps = Program(phases, self._whole.batch, self._whole.capacity, workers=1)

    def measure(self, run: Callable[[], object], repeats: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Seconds of each call in each repeat (repeats, calls), and of the program as it is (repeats,), in turns.

        run: has the session run a batch. The first runs, which pack the weights, are not counted.
        """
        each, whole = np.empty((repeats, len(self.calls))), np.empty(repeats)
        begun = time.perf_counter(), ticks()
        for repeat in range(-1, repeats):
            self.session.program = self._whole
            start = time.perf_counter()
            run()
            end = time.perf_counter()
            self.session.program = self._stamps
            self._totals[:] = 0
            run()
            if repeat >= 0:
                whole[repeat], each[repeat] = end - start, self._totals
        rate = (ticks() - begun[1]) / (time.perf_counter() - begun[0])
        self.session.program = self._whole
        return each / rate, whole

    def _stamped(self, calls: Sequence[Call], first: int) -> list[Call]:
        """The calls, with a stamp before the first, which counts for none of them, and after each."""
        made = [self._stamp(self._skipped)]
        for number, call in enumerate(calls, first):
            made += [call, self._stamp(At(Fixed(self._totals), 8 * number))]
        return made

    def _stamp(self, total: Fixed | At) -> Call:
        return Call(stamp, [{"last": Fixed(self._last), "total": total}])
