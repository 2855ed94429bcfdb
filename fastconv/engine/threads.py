"""How many threads work at once."""

from __future__ import annotations

import os
from contextlib import suppress

_threads: int | None = None


def available_threads() -> int:
    """CPUs that this process may use: its affinity mask and its container's quota, whichever is less."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cpus, _container_quota() or cpus))


def _container_quota() -> int | None:
    """CPUs granted by the control group, rounded up; None where there is no limit."""
    try:
        quota, period = _quota_and_period()
        return None if quota in ("max", "-1") else -(-int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_and_period() -> tuple[str, str]:
    """Microseconds of CPU time in each period, in control groups of version 2 or else 1."""
    with suppress(FileNotFoundError), open("/sys/fs/cgroup/cpu.max") as file:
        quota, period = file.read().split()
        return quota, period
    with open("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") as file, open("/sys/fs/cgroup/cpu/cpu.cfs_period_us") as other:
        return file.read().strip(), other.read().strip()


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
