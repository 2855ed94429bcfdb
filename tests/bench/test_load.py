"""A load test without a server to ask; tests/cli/test_serve.py has one with it."""

from __future__ import annotations

import socket

from click.testing import CliRunner

from fastconv_bench.load import main


def test_where_nothing_answers_that_is_said_at_once():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    result = CliRunner().invoke(main, ["--url", url])
    assert result.exit_code == 1
    assert result.stderr == f"Error: nothing answers at {url}; start `fastconv serve` first\n"
