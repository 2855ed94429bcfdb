"""Requests and responses of HTTP/1.1 (RFC 9112), as much as a service of small documents needs."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

#: Bytes of a request's first line and headers.
LONGEST_HEAD = 16_384

VERSIONS = "HTTP/1.0", "HTTP/1.1"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class HttpError(ValueError):
    """A request that cannot be served: the status and the headers to answer with, and a message for the client."""

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True)
class Head:
    """A request without its body; headers by their names in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    keep_alive: bool


@dataclass(frozen=True)
class Request:
    """A whole request."""

    head: Head
    body: bytes


@dataclass(frozen=True)
class Response:
    """What is answered."""

    body: bytes
    content_type: str = "application/json"
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(cls, document: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Response:
        return cls(json.dumps(document, allow_nan=False).encode(), status=status, headers=headers)

    @classmethod
    def of_error(cls, error: HttpError) -> Response:
        return cls.of_json({"error": str(error)}, error.status, **error.headers)

    def to_bytes(self, keep_alive: bool, with_body: bool = True) -> bytes:
        """The response as it is sent; without its body in answer to HEAD."""
        headers = {
            "Content-Type": self.content_type, "Content-Length": str(len(self.body)),
            "Connection": "keep-alive" if keep_alive else "close", "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store", **self.headers}
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (self.body if with_body else b"")


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes,
                       largest_body: int) -> Request:
    """The request that begins with the byte `first`.

    Raises HttpError for one that is malformed or too large, and asyncio.IncompleteReadError where it ends early.
    """
    try:
        head = parse_head(first + await reader.readuntil(b"\r\n\r\n"))
    except asyncio.LimitOverrunError:
        raise HttpError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                        f"headers of at most {LONGEST_HEAD} bytes are accepted") from None
    length = body_length(head, largest_body)
    if length and head.headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    return Request(head, await reader.readexactly(length))


def parse_head(text: bytes) -> Head:
    """The first line and the headers, up to the empty line. Raises HttpError."""
    first, *lines = text.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    match first.split(" "):
        case [method, target, version] if version in VERSIONS and _TOKEN.fullmatch(method) and target:
            pass
        case [_, _, other] if other.startswith("HTTP/") and other not in VERSIONS:
            raise HttpError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, f"expected HTTP/1.1, got {other[:20]}")
        case _:
            raise HttpError(HTTPStatus.BAD_REQUEST, "the first line is not a request of HTTP")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise HttpError(HTTPStatus.BAD_REQUEST, "a line of the headers is not a header")
        if name.lower() in headers and name.lower() in ("content-length", "transfer-encoding"):
            raise HttpError(HTTPStatus.BAD_REQUEST, f"{name} is given twice")
        headers[name.lower()] = value.strip()
    wished = headers.get("connection", "").lower()
    keep_alive = wished != "close" if version == "HTTP/1.1" else wished == "keep-alive"
    return Head(method, target.partition("?")[0], headers, keep_alive)


def body_length(head: Head, largest: int) -> int:
    """The bytes of a request's body. Raises HttpError where that is unknown or more than `largest`."""
    if "transfer-encoding" in head.headers:
        raise HttpError(HTTPStatus.NOT_IMPLEMENTED, "a body needs Content-Length; no Transfer-Encoding is supported")
    text = head.headers.get("content-length")
    if text is None:
        if head.method in ("POST", "PUT", "PATCH"):
            raise HttpError(HTTPStatus.LENGTH_REQUIRED, "a body needs Content-Length")
        return 0
    if not (text.isascii() and text.isdigit()):
        raise HttpError(HTTPStatus.BAD_REQUEST, "Content-Length is not a number")
    if len(text) > 18 or int(text) > largest:
        raise HttpError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body of at most {largest} bytes is accepted, "
                        f"got {text[:18]}")
    return int(text)
