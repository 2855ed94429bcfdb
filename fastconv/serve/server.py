"""The server: connections, their limits, and how it stops."""

from __future__ import annotations

import asyncio
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastconv.serve.http import LONGEST_HEAD, HttpError, Request, Response, read_request
from fastconv.serve.service import Service


@dataclass(frozen=True)
class Limits:
    """What one client may ask for. Times are in seconds.

    body: bytes of a request's body.  connections: open at once; further ones are refused.
    request_seconds: for a request to arrive once it has begun, and for its answer to be taken.
    idle_seconds: between two requests on a connection.
    """

    body: int = 1 << 20
    connections: int = 128
    request_seconds: float = 10.0
    idle_seconds: float = 30.0


#: Bytes, and seconds, of what a refused client still sends that are read before the connection is cut: a client that
#: is cut off while it sends does not see why.
LINGER_BYTES, LINGER_SECONDS = 1 << 24, 2.0


class Server:
    """Serves on one address until it is stopped."""

    def __init__(self, service: Service, limits: Limits | None = None) -> None:
        self._service, self._limits = service, limits or Limits()
        self._connections: set[asyncio.Task[None]] = set()
        self._refused: set[asyncio.Task[None]] = set()
        self._idle: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Ends `run` when the requests that have begun are answered."""
        self._stopping.set()

    async def run(self, host: str, port: int, started: Callable[[int], None]) -> None:
        """Serves; `started` is called with the port, which is a free one for port 0.

        Raises OSError where the address cannot be had.
        """
        server = await asyncio.start_server(self._connected, host, port, limit=LONGEST_HEAD)
        started(server.sockets[0].getsockname()[1])
        await self._stopping.wait()
        server.close()
        for task in self._idle:
            task.cancel()
        if busy := self._connections | self._refused:
            await asyncio.wait(busy, timeout=3 * self._limits.request_seconds)
        self._service.batches.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            if len(self._connections) < self._limits.connections:
                self._connections.add(task)
                await self._converse(task, reader, writer)
            elif len(self._refused) < self._limits.connections:  # those beyond get no answer
                self._refused.add(task)
                busy = HttpError(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections", Retry_After="1")
                await self._refuse(reader, writer, busy)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # the client left, or took too long to take its answer
        except asyncio.CancelledError:
            pass  # it was idle when the server stopped
        finally:
            self._connections.discard(task)
            self._refused.discard(task)
            writer.close()

    async def _converse(self, task: asyncio.Task[None], reader: asyncio.StreamReader,
                        writer: asyncio.StreamWriter) -> None:
        """Answers the requests of a connection, one after the other."""
        limits = self._limits
        while not self._stopping.is_set():
            with self._idling(task):
                async with asyncio.timeout(limits.idle_seconds):
                    first = await reader.read(1)
            if not first:
                return
            try:
                async with asyncio.timeout(limits.request_seconds):
                    request = await read_request(reader, writer, first, limits.body)
            except TimeoutError:
                late = f"the request took longer than {limits.request_seconds:g} seconds to arrive"
                return await self._refuse(reader, writer, HttpError(HTTPStatus.REQUEST_TIMEOUT, late))
            except HttpError as error:
                return await self._refuse(reader, writer, error)
            response = await self._response(request)
            keep_alive = request.head.keep_alive and not self._stopping.is_set()
            writer.write(response.to_bytes(keep_alive, with_body=request.head.method != "HEAD"))
            async with asyncio.timeout(limits.request_seconds):
                await writer.drain()
            if not keep_alive:
                return

    async def _response(self, request: Request) -> Response:
        try:
            return await self._service.respond(request)
        except HttpError as error:
            return Response.of_error(error)
        except Exception:  # a bug; the others are served on
            traceback.print_exc(file=sys.stderr)
            return Response.of_error(HttpError(HTTPStatus.INTERNAL_SERVER_ERROR, "the prediction failed"))

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, error: HttpError) -> None:
        """Answers and ends the connection, whatever else the client is sending."""
        writer.write(Response.of_error(error).to_bytes(keep_alive=False))
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                await writer.drain()
                writer.write_eof()
                left = LINGER_BYTES
                while left > 0 and (content := await reader.read(1 << 16)):
                    left -= len(content)

    @contextmanager
    def _idling(self, task: asyncio.Task[None]) -> Iterator[None]:
        self._idle.add(task)
        try:
            yield
        finally:
            self._idle.discard(task)


def serve(service: Service, host: str = "127.0.0.1", port: int = 8000, limits: Limits | None = None,
          started: Callable[[int], None] = lambda port: None) -> None:
    """Serves until Ctrl-C or SIGTERM, then answers the requests that have begun and returns.

    started: called with the port when connections are accepted.
    Raises OSError where the address cannot be had.
    """

    async def main() -> None:
        server = Server(service, limits)
        with _stopped_by_signals(server):
            await server.run(host, port, started)

    asyncio.run(main())


@contextmanager
def _stopped_by_signals(server: Server) -> Iterator[None]:
    """The first SIGINT or SIGTERM stops the server; the next one has its usual effect."""
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def stop(number: int, frame: object) -> None:
        signal.signal(number, before[number])
        loop.call_soon_threadsafe(server.stop)

    for number in map(int, (signal.SIGINT, signal.SIGTERM)):
        before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
