"""Whether a call of a few microseconds lets go of Python's lock, the GIL, which takes as long to hand over.

A thread that finds the GIL taken sleeps, and to wake it costs more than such a call. Where calls follow each other
closely they let go of it all the same, so that the program's other threads get on, whether they call as well or not.
Before a call takes the GIL back it watches `taken` for a moment: for as long as another call is likely to hold it.

A thread that computes in Python may take the GIL meanwhile and keep it for the 5 ms that Python lets it. After such a
pause, calls hold on to it for as long.
"""

from __future__ import annotations

import os
from time import monotonic

from fastconv.engine.memory import aligned_words
from fastconv.engine.threads import available_threads

#: Seconds from one call to the next, of whichever threads, below which they are close.
CLOSE = 50e-6

#: The weight of one such time in their mean; from which on it is a pause; and for how long calls then hold the GIL.
NEW, PAUSE, HOLD = 0.1, 1e-3, 10e-3


class Callers:
    """The threads that ask `let_go` before each call.

    taken: not 0 while one of them is likely to hold the GIL. `kernels.work.predict` watches it at `address`.
    """

    def __init__(self) -> None:
        self._parallel = available_threads() > 1
        self._last = self._held_until = 0.0
        self._interval = PAUSE
        words = aligned_words([0])
        self.taken, self.address = words.data, words.ctypes.data

    def let_go(self) -> bool:
        """Whether a call that begins now should do without the GIL."""
        now = monotonic()
        interval, self._last = now - self._last, now
        if interval > PAUSE:
            self._held_until, interval = now + HOLD, PAUSE
        self._interval += NEW * (interval - self._interval)
        if now < self._held_until or self._interval > CLOSE or not self._parallel:
            return False
        self.taken[0] = 1
        return True


callers = Callers()


def _after_fork() -> None:
    global callers
    callers = Callers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
