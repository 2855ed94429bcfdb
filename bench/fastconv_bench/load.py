"""How many predictions a running `fastconv serve` answers, and how fast: `python -m fastconv_bench.load`."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import click
import numpy as np

#: Patience for one answer.
SECONDS = 30.0


@dataclass(frozen=True)
class Load:
    """What a load test has found: `errors` are answers other than 200, and connections that broke."""

    seconds: float
    latencies: np.ndarray
    errors: int

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the requests was answered."""
        return float(np.percentile(self.latencies, share) * 1000)

    def __str__(self) -> str:
        return (f"{len(self.latencies):,} answers in {self.seconds:.1f} s: {self.per_second:,.0f}/s, median "
                f"{self.percentile(50):.2f} ms, 99th percentile {self.percentile(99):.2f} ms, {self.errors} errors")


def request_of(image: np.ndarray, host: str) -> bytes:
    """The bytes of a request to predict an image uint8."""
    body = json.dumps({"image": base64.b64encode(image.tobytes()).decode()})
    return (f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


async def load(host: str, port: int, image: np.ndarray, clients: int, seconds: float) -> Load:
    """Has `clients` ask one after the other request, each on a connection of its own, for so many seconds."""
    request, latencies, errors = request_of(image, host), list[float](), 0
    start = time.perf_counter()

    async def client() -> None:
        nonlocal errors
        while (begun := time.perf_counter()) - start < seconds:
            try:
                reader, writer = await asyncio.open_connection(host, port)
                while (begun := time.perf_counter()) - start < seconds:
                    writer.write(request)
                    async with asyncio.timeout(SECONDS):
                        head = await reader.readuntil(b"\r\n\r\n")
                        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                        await reader.readexactly(length)
                    latencies.append(time.perf_counter() - begun)
                    errors += not head.startswith(b"HTTP/1.1 200 ")
                writer.close()
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                errors += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return Load(time.perf_counter() - start, np.array(latencies), errors)


@click.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where it is served.")
@click.option("--clients", type=click.IntRange(min=1), default=16, show_default=True)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), default=60.0, show_default=True)
@click.option("--shape", type=(int, int, int), default=(1, 28, 28), show_default=True, metavar="C H W",
              help="Of the network's images.")
def main(url: str, clients: int, seconds: float, shape: tuple[int, int, int]) -> None:
    """Ask a running `fastconv serve` for predictions, from many clients at once."""
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    try:
        socket.create_connection((host, port), SECONDS).close()
    except OSError as error:
        raise click.ClickException(f"nothing answers at {url}; start `fastconv serve` first") from error
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    click.echo(asyncio.run(load(host, port, image, clients, seconds)))


if __name__ == "__main__":
    main()
