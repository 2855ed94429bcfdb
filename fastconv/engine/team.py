"""A team of threads that work through a job together.

Numba's own threading layers cannot be used by a library that must not kill its host: one aborts the process when
two threads enter it at once, another does not survive a fork. A team is made of ordinary Python threads that run
native code without the GIL. While one thread uses the team, any other that calls it simply works alone, and a
forked child makes a team of its own.

Between jobs that follow each other closely the helpers keep watching, so that joining costs them less than a
microsecond; after a longer pause they sleep.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from fastconv.engine.memory import aligned_words
from fastconv.kernels import work


class Table:
    """Int64 words of `kernels.work`, a job or a control table, with their address: NumPy takes 1 µs to tell it."""

    def __init__(self, size: int) -> None:
        self.words = aligned_words([0] * size)
        self.address = self.words.ctypes.data


def _no_cpu() -> int:
    return -1


_current_cpu = getattr(ctypes.CDLL(None), "sched_getcpu", _no_cpu) if sys.platform == "linux" else _no_cpu


def keep_off_this_cpu(thread: threading.Thread) -> None:
    """Lets a thread that is to be woken run on all CPUs of the calling thread but its current one.

    Linux likes to wake a thread where its waker runs, and there it would wait until the job is done: after a pause of
    20 ms, resnet8 took 4.0 ms for 32 images with two threads, and 1.7 ms with this.
    """
    cpu = _current_cpu()
    if cpu >= 0 and thread.native_id is not None:
        others = os.sched_getaffinity(0) - {cpu}
        if others:
            with suppress(OSError):  # the system may forbid it
                os.sched_setaffinity(thread.native_id, others)


class _Helper:
    """A thread that joins the jobs of a control table."""

    def __init__(self, control: Table, number: int) -> None:
        self._control, self._number = control, number
        self._called, self._sleeps = threading.Lock(), False
        self._called.acquire()
        self._thread = threading.Thread(target=self._help, name=f"fastconv-{number}", daemon=True)
        self._thread.start()

    def _help(self) -> None:
        while True:
            self._sleeps = True
            self._called.acquire()
            self._sleeps = False
            work.help_out(self._control.address, self._number)

    def call(self) -> None:
        """Makes sure that the helper watches, or looks once more before it goes to sleep."""
        if self._sleeps:
            keep_off_this_cpu(self._thread)
        if self._called.locked():
            self._called.release()


class Team:
    """The calling thread and its helpers."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._control = Table(work.CONTROL_SIZE)
        self._control.words[work.GATE] = work.CLOSED
        self._helpers: list[_Helper] = []

    def run(self, job: Table, workers: int) -> None:
        """Does a job of `kernels.work` with up to `workers` threads, the calling one included."""
        if not self.lead(workers, work.lead, job.address):
            work.work_alone(job.address)

    def lead(self, workers: int, do: Callable[..., None], *job: object) -> bool:
        """Has `do`, `lead` or another of `kernels.work`, lead up to `workers` threads; nothing where they are busy."""
        if workers == 1 or not self._busy.acquire(blocking=False):
            return False
        try:
            with suppress(RuntimeError):  # no more threads can be started: those there are will do
                while len(self._helpers) < workers - 1:
                    self._helpers.append(_Helper(self._control, len(self._helpers) + 1))
            for helper in self._helpers[:workers - 1]:
                helper.call()
            do(self._control.address, workers, *job)
        finally:
            self._busy.release()
        return True


team = Team()


def _after_fork() -> None:
    global team
    team = Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
