"""Whether threads that share an image save time, which depends on the moment and the machine."""

from __future__ import annotations

import math

#: Of so many images, so many go the slower way, to see whether it still is. For the first, a thread may have to wake.
PERIOD, TRIAL = 256, 8

#: How much of the way to a longer time what is known moves; a shorter one replaces it. A time counts for no more than
#: MOST of the longer one of both ways: now and then the machine does something else.
RISE, MOST = 0.2, 1.5


class Sharing:
    """What single images cost one thread and several, and which way to go next.

    Threads on processors whose caches lie far apart, or that others use too, lose by sharing: on two that a virtual
    machine moved about, resnet8 took 150 µs at most times and 400 µs at some, by one thread 220 µs.
    """

    def __init__(self) -> None:
        self._seconds = [math.inf, 0.0]  # by one thread, shared
        self._images = 0

    def pays(self) -> bool:
        """Whether the next image should be shared."""
        self._images += 1
        alone, shared = self._seconds
        return (shared <= alone) == (self._images % PERIOD >= TRIAL)

    def took(self, shared: bool, seconds: float) -> None:
        """Takes note of an image."""
        before = self._seconds[shared]
        if seconds > before:
            seconds = before + RISE * (min(seconds, MOST * max(self._seconds)) - before)
        self._seconds[shared] = seconds
