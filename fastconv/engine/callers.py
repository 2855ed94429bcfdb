"""Whether several threads make calls of a few microseconds at once, which are as brief as handing over the GIL.

A thread that finds Python's lock (the GIL) taken sleeps, and waking it costs more than such a call. One thread that
calls therefore holds the GIL throughout. Where several do nothing but call, each lets go of it, and before it takes it
back watches `taken` for a moment: for as long as another thread is likely to hold it.
"""

from __future__ import annotations

import os
import threading
from time import monotonic

from fastconv.engine.memory import aligned_words
from fastconv.engine.threads import available_threads

#: Seconds from one call to the next, of whichever threads, below which these do little else.
CLOSE = 50e-6

#: The weight of one such time in their mean, and the most that it counts for.
NEW, PAUSE = 0.1, 1e-3

#: Seconds for which a thread counts that has called before another: more than the 5 ms that one may hold the GIL.
GONE = 20e-3


class Callers:
    """The threads that ask `several` before each call.

    taken: not 0 while one of them is likely to hold the GIL. `kernels.work.predict` watches it at `address`.
    """

    def __init__(self) -> None:
        self._parallel = available_threads() > 1
        self._thread, self._changed = threading.get_ident(), -GONE
        self._last, self._pace = 0.0, PAUSE
        words = aligned_words([0])
        self.taken, self.address = words.data, words.ctypes.data

    def several(self) -> bool:
        """Whether other threads call right now, too."""
        thread, now = threading.get_ident(), monotonic()
        if thread != self._thread:
            self._thread, self._changed = thread, now
        elif now - self._changed > GONE:
            return False
        self._pace += NEW * (min(now - self._last, PAUSE) - self._pace)
        self._last = now
        if self._pace > CLOSE or not self._parallel:
            return False
        self.taken[0] = 1
        return True


callers = Callers()


def _after_fork() -> None:
    global callers
    callers = Callers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
