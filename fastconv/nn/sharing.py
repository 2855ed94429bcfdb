"""Whether threads that share an image save time, which depends on the moment and the machine."""

from __future__ import annotations

#: Every so many images are computed the slower way, to see whether it still is.
PROBE = 64

#: How much of the way a longer time moves what is known; a shorter one replaces it.
RISE = 0.25


class Sharing:
    """What single images cost one thread and several, and which way to go next.

    Threads on processors whose caches lie far apart, or that others use too, lose by sharing: on two that a virtual
    machine moved about, resnet8 took 150 µs at most times and 400 µs at some, by one thread 220 µs.
    """

    def __init__(self) -> None:
        self._seconds = [0.0, 0.0]  # by one thread, shared
        self._images = 0

    def pays(self) -> bool:
        """Whether the next image should be shared."""
        self._images += 1
        alone, shared = self._seconds
        return (shared <= alone) == (self._images % PROBE > 0)

    def took(self, shared: bool, seconds: float) -> None:
        """Takes note of an image. A single long time, in which the machine did something else, changes little."""
        before = self._seconds[shared]
        if before:
            seconds = min(seconds, before + RISE * (min(seconds, 2 * before) - before))
        self._seconds[shared] = seconds
