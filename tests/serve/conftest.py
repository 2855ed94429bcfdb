"""What the tests of the service share: a network whose scores are easy to know, and a server in a thread."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from fastconv import nn
from fastconv.serve import Limits, Server, Service

#: Short, so that nobody waits; longer than anything that is in time.
LIMITS = Limits(body=20_000, connections=8, request_seconds=0.5, idle_seconds=1.0)


class Brightest:
    """Scores of a 1×2×3 image: which of its six pixels is the brightest."""

    classes = ("a", "b", "c", "d", "e", "f")
    input_shape = (1, 2, 3)

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.calls = threading.Event()
        self.may_go = threading.Event()
        self.may_go.set()

    def expansion(self):
        return nn.Flatten().expansion()

    def __call__(self, x):
        assert x.shape[1:] == (1, 2, 3)
        self.batches.append(len(x))
        self.calls.set()
        self.may_go.wait(10)
        return x.reshape(len(x), 6).astype(np.float32)


class Running:
    """A server, its model, and ways to talk to it."""

    def __init__(self, model: Any, limits: Limits = LIMITS) -> None:
        self.model, self._loop, self.port = model, asyncio.new_event_loop(), 0
        self.server = Server(Service(model, "brightest"), limits)
        started = threading.Event()

        def serve() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self.server.run("127.0.0.1", 0, lambda port: (
                setattr(self, "port", port), started.set())))
            self._loop.close()

        self._thread = threading.Thread(target=serve)
        self._thread.start()
        assert started.wait(10)

    def stop(self) -> None:
        """Tells the server to stop."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self.server.stop)

    def join(self) -> None:
        """Waits until it has."""
        self._thread.join(20)
        assert not self._thread.is_alive()

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def exchange(self, content: bytes) -> bytes:
        """All that is answered to bytes of one's own, until the connection ends."""
        with self.connect() as connection:
            connection.sendall(content)
            return received(connection)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """The status of a proper request, and the document it is answered with."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, json.loads(content) if content else None

    def predict(self, document: Any) -> tuple[int, Any]:
        return self.ask("POST", "/predict", json.dumps(document).encode(), Content_Type="application/json")


def received(connection: socket.socket) -> bytes:
    """All bytes until the other side closes."""
    content = b""
    while part := connection.recv(1 << 16):
        content += part
    return content


@pytest.fixture
def start() -> Iterator[Callable[..., Running]]:
    """Starts servers, which are stopped at the end of the test."""
    running: list[Running] = []

    def start(model: Any = None, limits: Limits = LIMITS) -> Running:
        running.append(Running(model or Brightest(), limits))
        return running[-1]

    yield start
    for each in running:
        each.model.may_go.set()
        each.stop()
        each.join()


@pytest.fixture
def server(start) -> Running:
    return start()
