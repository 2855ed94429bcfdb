"""Running a function, or the command, in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
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


def interrupted(*arguments: object, after: str) -> tuple[str, str]:
    """What the command prints and its errors, if Ctrl-C comes once its first line, which begins with `after`, is there.

    Skips the test on Windows, which has no SIGINT for one process.
    """
    if os.name == "nt":
        pytest.skip("Windows has no SIGINT for one process")
    process = subprocess.Popen(
        [sys.executable, "-m", "fastconv_cli", *map(str, arguments)], text=True, stderr=subprocess.PIPE,
        stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"})
    hanging = threading.Timer(PATIENCE_SECONDS, process.kill)
    hanging.start()
    try:
        assert process.stdout.readline().startswith(after)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    finally:
        hanging.cancel()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    return output, errors
