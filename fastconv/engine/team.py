"""A team of threads that runs one native function on all of them.

Numba's own threading layers cannot be used by a library that must not kill its host: one aborts the process when
two threads enter it at once, another does not survive a fork. A team is made of ordinary Python threads that call
native code without the GIL. While one thread uses the team, any other that calls it simply works alone, and a
forked child makes a team of its own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable


class _Worker:
    """A thread that waits for a job, runs it, and says when it is done."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ready, self.done = threading.Lock(), threading.Lock()
        self.ready.acquire()
        self.done.acquire()
        self.job: Callable[[int], None] | None = None
        self.error: BaseException | None = None
        threading.Thread(target=self._loop, name=f"fastconv-{number}", daemon=True).start()

    def _loop(self) -> None:
        while True:
            self.ready.acquire()
            try:
                if self.job is not None:
                    self.job(self.number)
            except BaseException as error:
                self.error = error
            self.done.release()

    def start(self, job: Callable[[int], None]) -> None:
        self.job, self.error = job, None
        self.ready.release()

    def finish(self) -> None:
        """Waits until the job is done, even when interrupted, for the caller may free its memory afterwards."""
        interrupt: BaseException | None = None
        while True:
            try:
                self.done.acquire()
                break
            except KeyboardInterrupt as error:
                interrupt = error
        self.job = None
        failure = self.error or interrupt
        if failure is not None:
            raise failure


class Team:
    """Runs `job(worker)` for worker = 0 … threads - 1 at once; worker 0 is the calling thread."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._workers: list[_Worker] = []

    def run(self, job: Callable[[int], None], threads: int) -> None:
        if threads == 1 or not self._busy.acquire(blocking=False):
            job(0)
            return
        try:
            while len(self._workers) < threads - 1:
                self._workers.append(_Worker(len(self._workers) + 1))
            helpers = self._workers[:threads - 1]
            for worker in helpers:
                worker.start(job)
            try:
                job(0)
            finally:
                for worker in helpers:
                    worker.finish()
        finally:
            self._busy.release()


def available_threads() -> int:
    """CPUs that this process may use: its affinity mask and its container's quota, whichever is less."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cpus, _container_quota() or cpus))


def _container_quota() -> int | None:
    """CPUs granted by the control group, rounded up; None where there is no limit."""
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        return None if quota == "max" else -(-int(quota) // int(period))
    except (OSError, ValueError):
        return None


team = Team()
_threads: int | None = None


def set_num_threads(threads: int) -> None:
    """Sets how many threads work at once. Results have the same bits for any number."""
    global _threads
    if isinstance(threads, bool) or not isinstance(threads, int):
        raise TypeError(f"the number of threads must be an integer, got {threads!r}")
    if threads < 1:
        raise ValueError(f"the number of threads must be at least 1, got {threads}")
    _threads = threads


def get_num_threads() -> int:
    """How many threads work at once; at first, as many as the process may use CPUs."""
    global _threads
    if _threads is None:
        _threads = available_threads()
    return _threads


def _after_fork() -> None:
    global team
    team = Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
