"""Pools of sessions, and other things made for a model, that threads share."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class Pool:
    """Idle sessions by key. Threads that need the same one at once get one each."""

    def __init__(self, most_keys: int = 64) -> None:
        self._most_keys = most_keys
        self._by_key: dict[Hashable, Any] = {}
        self.latest: Any = None  # what its owner was last asked for, at hand without a key

    @contextmanager
    def session(self, key: Hashable, make: Callable[[], S]) -> Iterator[S]:
        """An idle session of `key`, or a new one. It is idle again afterwards, unless it failed."""
        idle: list[S] = self.shared(key, list)
        try:
            session = idle.pop()
        except IndexError:
            session = make()
        yield session
        idle.append(session)

    def shared(self, key: Hashable, make: Callable[..., T], *args: Any) -> T:
        """The one thing that all threads have under `key`, a key of no session; made of `args` when it is missing."""
        found: T | None = self._by_key.get(key)
        if found is None:
            made = make(*args)
            while len(self._by_key) >= self._most_keys:
                self._by_key.pop(next(iter(self._by_key)), None)
            found = self._by_key.setdefault(key, made)
        return found

    def clear(self) -> None:
        """Forgets everything."""
        self._by_key.clear()
        self.latest = None

    def __reduce__(self) -> tuple[type[Pool], tuple[int]]:
        return Pool, (self._most_keys,)  # sessions hold addresses: a copy of a model makes its own
