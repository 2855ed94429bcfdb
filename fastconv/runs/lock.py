"""One process at a time in a folder."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from fastconv.errors import RunError

if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int, shared: bool) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _try_lock(descriptor: int, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

NAME = "lock"

#: Seconds in which somebody who only looks whether a folder is in use has let go of it.
PATIENCE = 0.5


class Lock:
    """Holds a folder until it is released, or its process ends in any way at all.

    Raises RunError where another process, or another Lock of this one, holds it. On file systems without locks there
    is no protection.
    """

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o644)
        patient_until = time.monotonic() + PATIENCE
        while _held(self._descriptor, shared=False):
            if time.monotonic() > patient_until:
                os.close(self._descriptor)
                raise RunError(f"{folder}: another process is training in this run; wait for it, or end it")
            time.sleep(0.02)

    def release(self) -> None:
        os.close(self._descriptor)


def is_locked(folder: Path) -> bool:
    """Whether a process holds the folder."""
    try:
        descriptor = os.open(folder / NAME, os.O_RDWR)
    except OSError:
        return False
    try:
        return _held(descriptor, shared=True)
    finally:
        os.close(descriptor)


def _held(descriptor: int, shared: bool) -> bool:
    """Whether somebody else holds the file; where not, it is held now."""
    try:
        _try_lock(descriptor, shared)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return False  # no locks on this file system
    return False
