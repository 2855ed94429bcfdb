"""Pools of sessions, and other things made for a model, that threads share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class Loan(Generic[S]):
    """A session for a `with` statement; in a training step, one by `contextlib` would take a microsecond longer."""

    def __init__(self, idle: list[S], make: Callable[[], S]) -> None:
        self._idle, self._make = idle, make

    def __enter__(self) -> S:
        try:
            self._session = self._idle.pop()
        except IndexError:
            self._session = self._make()
        return self._session

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._idle.append(self._session)


class Pool:
    """Idle sessions by key. Threads that need the same one at once get one each."""

    def __init__(self, most_keys: int = 64) -> None:
        self._most_keys = most_keys
        self._by_key: dict[Hashable, Any] = {}
        self.latest: Any = None  # what its owner was last asked for, at hand without a key

    def session(self, key: Hashable, make: Callable[[], S]) -> Loan[S]:
        """An idle session of `key`, or a new one. It is idle again afterwards, unless it failed."""
        return Loan(self.shared(key, list), make)

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
