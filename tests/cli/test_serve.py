"""`fastconv serve` as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest

import fastconv as fc
from fastconv_bench.load import load
from fastconv_cli.serve import is_loopback
from tests.networks import small_network

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are sent to processes")


@pytest.fixture(scope="module")
def small_file(tmp_path_factory):
    model = small_network()
    model.set_images([0.5], [0.25], ["a", "b", "c"], (1, 6, 6))
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    fc.save(model, path)
    return path


@pytest.fixture
def served(small_file):
    """The process and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fastconv_cli", "serve", str(small_file), "--port", "0"], text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    line = process.stdout.readline()
    match = re.fullmatch(r"Serving small\.safetensors on http://127\.0\.0\.1:(\d+) \(Ctrl-C stops\)\n", line)
    assert match, line + process.stderr.read()
    yield process, int(match[1])
    process.kill()
    process.wait()


def test_predictions_are_those_of_the_model(served, small_file):
    image = np.random.default_rng(0).integers(0, 256, (1, 6, 6), np.uint8)
    request = urllib.request.Request(
        f"http://127.0.0.1:{served[1]}/predict", json.dumps({"image": image.tolist()}).encode(),
        {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.load(response)
    scores = fc.load(small_file)(image[None])[0].astype(np.float64)
    shares = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(list(answer["predictions"][0]["probabilities"].values()), shares, atol=2e-6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_when_begun_requests_are_answered_with_status_0(served, number):
    process, port = served
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\n")
        time.sleep(0.2)
        process.send_signal(number)
        time.sleep(0.2)
        assert process.poll() is None
        connection.sendall(b"\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
    printed, errors = process.communicate(timeout=10)
    assert process.returncode == 0
    assert printed == "Stopped.\n"
    assert errors == ""


def test_sixteen_clients_are_answered_without_an_error(served):
    image = np.zeros((1, 6, 6), np.uint8)
    result = asyncio.run(load("127.0.0.1", served[1], image, clients=16, seconds=2.0))
    assert result.errors == 0
    assert len(result.latencies) >= 16


def test_a_port_that_is_taken_is_one_line_and_status_1(run, small_file):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("serve", small_file, "--port", taken.getsockname()[1])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "choose another with --port, or let --port 0 take a free one" in result.stderr


def test_a_model_that_does_not_say_its_shape_is_one_line_and_status_1(run, tmp_path):
    fc.save(small_network(), tmp_path / "model.safetensors")
    result = run("serve", tmp_path / "model.safetensors")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: model.safetensors: the model does not say the shape of its images")


def test_an_address_that_others_reach_is_warned_of(run, small_file):
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        result = run("serve", small_file, "--host", "0.0.0.0", "--port", taken.getsockname()[1])
    assert result.stderr.startswith("Warning: 0.0.0.0 can be reached by other machines.")


@pytest.mark.parametrize(("host", "expected"), [
    ("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
    ("example.org", False), ("192.168.1.5", False)])
def test_only_addresses_of_this_machine_alone_are_loopback(host, expected):
    assert is_loopback(host) is expected
