"""Pools of sessions that threads share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

S = TypeVar("S")


class Pool:
    """Idle sessions by key. Threads that need the same one at once get one each."""

    def __init__(self, most_keys: int = 64) -> None:
        self._most_keys = most_keys
        self._idle: dict[Hashable, list[Any]] = {}

    @contextmanager
    def session(self, key: Hashable, make: Callable[[], S]) -> Iterator[S]:
        """An idle session of `key`, or a new one. It is idle again afterwards, unless it failed."""
        idle = self._idle.get(key)
        if idle is None:
            while len(self._idle) >= self._most_keys:
                self._idle.pop(next(iter(self._idle)), None)
            idle = self._idle.setdefault(key, [])
        try:
            session = idle.pop()
        except IndexError:
            session = make()
        yield session
        idle.append(session)

    def clear(self) -> None:
        """Forgets all sessions."""
        self._idle.clear()

    def __reduce__(self) -> tuple[type[Pool], tuple[int]]:
        return Pool, (self._most_keys,)  # sessions hold addresses: a copy of a model makes its own
