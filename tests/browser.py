"""A real headless browser, driven over WebDriver's HTTP (W3C WebDriver, 2018) without a package for it."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # section 11 names an element's reference so

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars")

PATIENCE_SECONDS = 60


class Browser:
    """A Chromium with a new profile; skips the test where there is none."""

    def __init__(self, profile: Path, *flags: str, mobile: bool = False) -> None:
        driver = shutil.which("chromedriver")
        binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
        if driver is None or binary is None:
            pytest.skip("needs chromium and chromedriver")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._process = subprocess.Popen([driver, f"--port={port}"], stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        self._url = f"http://127.0.0.1:{port}"
        self._wait_until_ready()
        options: dict[str, Any] = {"binary": binary, "args": [*FLAGS, *flags, f"--user-data-dir={profile}"]}
        if mobile:
            options["mobileEmulation"] = {
                "deviceMetrics": {"width": 390, "height": 844, "pixelRatio": 2.0, "touch": True}}
        made = self._post("/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
        self._url += f"/session/{made['sessionId']}"

    def close(self) -> None:
        """Ends the browser."""
        try:
            self._request("DELETE", "")
        finally:
            self._process.terminate()
            self._process.wait()

    def open(self, url: str) -> None:
        self._post("/url", {"url": url})

    def run(self, script: str) -> Any:
        """What a piece of JavaScript returns."""
        return self._post("/execute/sync", {"script": script, "args": []})

    def draw(self, selector: str, *strokes: list[tuple[float, float]], kind: str = "mouse") -> None:
        """Strokes of the pointer over an element; places are shares of its width and height from its corner."""
        element = self._post("/element", {"using": "css selector", "value": selector})
        size = self.run(f"const b = document.querySelector('{selector}').getBoundingClientRect(); "
                        "return [b.width, b.height]")
        actions: list[dict[str, Any]] = []

        def move(place: tuple[float, float], milliseconds: int) -> None:
            x, y = ((share - 0.5) * extent for share, extent in zip(place, size, strict=True))
            actions.append({"type": "pointerMove", "duration": milliseconds, "origin": {ELEMENT: element[ELEMENT]},
                            "x": round(x), "y": round(y)})

        for first, *others in strokes:
            move(first, 0)
            actions.append({"type": "pointerDown", "button": 0})
            for place in others:
                move(place, 20)
            actions.append({"type": "pointerUp", "button": 0})
        self._post("/actions", {"actions": [
            {"type": "pointer", "id": kind, "parameters": {"pointerType": kind}, "actions": actions}]})

    def wait_for(self, condition: str) -> Any:
        """The value of an expression of JavaScript, once it is true."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (value := self.run(f"return {condition}")):
            assert time.monotonic() < end, f"never true: {condition}"
            time.sleep(0.05)
        return value

    def screenshot(self) -> bytes:
        """The page as a PNG picture."""
        return base64.b64decode(self._request("GET", "/screenshot"))

    def complaints(self) -> list[str]:
        """What the page has left in the console."""
        return [entry["message"] for entry in self._post("/se/log", {"type": "browser"})]

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            try:
                if self._request("GET", "/status")["ready"]:
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail("chromedriver does not start")

    def _post(self, path: str, document: dict[str, Any]) -> Any:
        return self._request("POST", path, document)

    def _request(self, method: str, path: str, document: dict[str, Any] | None = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self._url + path, body, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
            return json.load(response)["value"]
