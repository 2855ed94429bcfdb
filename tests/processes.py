"""Running a function in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest

#: Longer than any child needs, also one that compiles; it is used up only by a child that hangs.
PATIENCE_SECONDS = 300.0


def in_child(method: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns in a child made by `method`; a child that dies or hangs fails the test.

    method: "fork" or "spawn"; where the system does not have it, the test is skipped.
    """
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system cannot {method}")
    context = multiprocessing.get_context(method)
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, function, *arguments))
    process.start()
    sender.close()
    try:
        assert receiver.poll(PATIENCE_SECONDS), "the child hangs"
        return receiver.recv()
    except EOFError:
        process.join()
        pytest.fail(f"the child ended with exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()


def _send(sender: Connection, function: Callable[..., Any], *arguments: Any) -> None:
    sender.send(function(*arguments))
