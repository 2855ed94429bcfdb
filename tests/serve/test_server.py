"""How the server deals with clients that are many, slow, wrong or gone, and how it stops."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest

from fastconv.serve import Limits
from tests.serve.conftest import LIMITS, Brightest, received

BODY = b'{"image": [[0, 0, 0], [0, 7, 0]]}'
HEAD = b"POST /predict HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(BODY)
REQUEST = HEAD + b"\r\n" + BODY
LAST = HEAD + b"Connection: close\r\n\r\n" + BODY


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer
    return int(answer.split(b" ", 2)[1])


def assert_serves(server) -> None:
    assert status_of(server.exchange(LAST)) == 200


def test_a_connection_serves_one_request_after_the_other(server):
    answer = server.exchange(REQUEST + REQUEST + LAST)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b"Connection: keep-alive") == 2


def test_http_1_0_ends_the_connection(server):
    assert server.exchange(REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0")).count(b"Connection: close") == 1


@pytest.mark.parametrize(("content", "status"), [
    (b"nonsense\r\n\r\n", 400), (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400), (b"GET / HTTP/2.0\r\n\r\n", 505),
    (b"GET /\r\n\r\n", 400), (b"G@T / HTTP/1.1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n folded: 1\r\n\r\n", 400), (b"GET / HTTP/1.1\r\nname : 1\r\n\r\n", 400),
    (b"POST /predict HTTP/1.1\r\n\r\n", 411), (b"POST /predict HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
    (b"POST /predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
    (b"POST /predict HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
    (b"POST /predict HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    (b"POST /predict HTTP/1.1\r\nContent-Length: 20001\r\n\r\n", 413),
    (b"POST /predict HTTP/1.1\r\nContent-Length: " + b"9" * 1000 + b"\r\n\r\n", 413),
    (b"GET / HTTP/1.1\r\nlong: " + b"x" * 40_000 + b"\r\n\r\n", 431), (b"x" * 100_000, 431),
])
def test_what_is_no_sound_request_is_answered_with_an_error_and_the_connection_ends(server, content, status):
    answer = server.exchange(content)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status_of(answer) == status
    assert b"Connection: close" in head
    assert json.loads(body)["error"]
    assert_serves(server)


def test_a_client_that_sends_too_much_sees_why(server):
    body = b"x" * 3_000_000
    assert status_of(server.exchange(b"POST /predict HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) == 413


def test_a_body_is_asked_for_where_the_client_waits_for_that(server):
    with server.connect() as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nConnection: close\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert status_of(received(connection)) == 200


@pytest.mark.parametrize("content", [REQUEST[:-1], HEAD, b"P"])
def test_a_request_that_ends_early_is_dropped(server, content):
    with server.connect() as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        assert received(connection) == b""
    assert_serves(server)


@pytest.mark.parametrize("content", [REQUEST[:-1], HEAD])
def test_a_request_that_does_not_arrive_in_time_is_answered_with_408(server, content):
    start = time.monotonic()
    assert status_of(server.exchange(content)) == 408
    assert time.monotonic() - start < 5


def test_a_client_that_sends_byte_by_byte_gets_no_more_time_than_others(server):
    start = time.monotonic()
    with server.connect() as connection:
        for byte in REQUEST[:40]:
            if time.monotonic() - start > 2 * LIMITS.request_seconds:
                break
            connection.sendall(bytes([byte]))
            time.sleep(0.05)
        assert status_of(received(connection)) == 408


def test_an_idle_connection_is_closed(server):
    start = time.monotonic()
    assert server.exchange(b"") == b""
    assert time.monotonic() - start >= LIMITS.idle_seconds


def test_connections_beyond_the_limit_are_refused_until_others_end(server):
    held = [server.connect() for _ in range(LIMITS.connections)]
    time.sleep(0.1)
    answer = server.exchange(LAST)
    assert status_of(answer) == 503
    assert b"Retry-After" in answer
    for connection in held:
        connection.close()
    time.sleep(0.1)
    assert_serves(server)


def test_requests_that_arrive_while_the_model_is_busy_are_computed_together(start):
    model = Brightest()
    server = start(model, Limits(connections=20))
    model.may_go.clear()
    model.calls.clear()
    slow = threading.Thread(target=lambda: server.exchange(LAST))
    slow.start()
    assert model.calls.wait(10)
    answers: list[bytes] = []
    others = [threading.Thread(target=lambda: answers.append(server.exchange(LAST))) for _ in range(9)]
    for thread in others:
        thread.start()
    time.sleep(0.5)
    model.may_go.set()
    for thread in [slow, *others]:
        thread.join(20)
    assert [status_of(answer) for answer in answers] == [200] * 9
    assert model.batches[-1] == 9


def test_a_client_that_leaves_before_its_answer_disturbs_nobody(server):
    for _ in range(20):
        with server.connect() as connection:
            connection.sendall(REQUEST)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    time.sleep(0.2)
    assert_serves(server)


def test_stopping_ends_idle_connections_at_once_and_lets_a_begun_request_finish(start):
    server = start(limits=Limits(request_seconds=5, idle_seconds=60))
    with server.connect() as idle, server.connect() as busy:
        busy.sendall(REQUEST[:30])
        time.sleep(0.2)
        server.stop()
        assert received(idle) == b""
        busy.sendall(REQUEST[30:])
        answer = received(busy)
        assert status_of(answer) == 200
        assert b"Connection: close" in answer
        server.join()
    with pytest.raises(ConnectionError):
        server.connect()
