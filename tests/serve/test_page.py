"""The page in a real browser: what is drawn is predicted."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from tests.browser import Browser
from tests.serve.conftest import Brightest, Running

ONE = [(0.5, 0.15), (0.5, 0.85)]
SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.62, 0.4), (0.52, 0.6), (0.42, 0.85)]
ZERO = [(0.5, 0.12), (0.32, 0.22), (0.25, 0.5), (0.32, 0.78), (0.5, 0.88), (0.68, 0.78), (0.75, 0.5), (0.68, 0.22),
        (0.5, 0.12)]
PREDICTED = "document.querySelector('li.best')?.firstChild.textContent"
SHARES = "[...document.querySelectorAll('li span:last-child')].map((each) => parseFloat(each.textContent))"
SEEN = """
const canvas = document.getElementById('seen');
const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
return [...data].filter((_, i) => i % 4 === 0)
"""


@pytest.fixture(scope="module")
def digits():
    """A network that knows digits, served."""
    train, _ = fc.data.digits()
    model = fc.models.lenet5()
    fc.Trainer(model, fc.optim.AdamW(lr=3e-3)).fit(train, epochs=4, batch_size=64)
    server = Running(model)
    yield server
    server.stop()
    server.join()


@pytest.fixture(params=["mouse", "touch"])
def page(request, digits, tmp_path):
    """The page, and the kind of pointer it is drawn on with."""
    browser = Browser(tmp_path / "profile", mobile=request.param == "touch")
    try:
        browser.open(f"http://127.0.0.1:{digits.port}/")
        browser.wait_for("document.querySelectorAll('li').length === 10")
        yield browser, request.param
        assert browser.complaints() == []
    finally:
        browser.close()


def test_a_drawn_digit_is_recognised_with_its_probability_and_latency(page):
    browser, pointer = page
    for digit, stroke in (("1", ONE), ("7", SEVEN), ("0", ZERO)):
        browser.draw("#pad", stroke, kind=pointer)
        browser.wait_for(f"{PREDICTED} === '{digit}' && document.getElementById('best').textContent === '{digit}'")
        shares = browser.run(f"return {SHARES}")
        assert len(shares) == 10
        assert sum(shares) == pytest.approx(100, abs=1)
        assert max(shares) == shares[int(digit)] > 50
        assert browser.run("return /^[0-9.]+ ms$/.test(document.getElementById('inference').textContent)")
        assert browser.run("return /^[0-9.]+ ms$/.test(document.getElementById('trip').textContent)")
        browser.run("document.getElementById('clear').click()")  # taps are not always made clicks of without a screen
        browser.wait_for(f"{PREDICTED} === undefined")


def test_what_the_network_is_shown_is_scaled_to_twenty_pixels_and_centred_by_mass(page):
    browser, pointer = page
    browser.draw("#pad", [(0.1, 0.1), (0.1, 0.4), (0.25, 0.4)], kind=pointer)  # small, in a corner
    browser.wait_for(PREDICTED)
    seen = np.reshape(browser.run(SEEN), (28, 28)).astype(float)
    rows, cols = np.nonzero(seen.sum(1))[0], np.nonzero(seen.sum(0))[0]
    assert max(np.ptp(rows), np.ptp(cols)) + 1 == 20
    for mass in (seen.sum(1), seen.sum(0)):
        assert np.average(np.arange(28) + 0.5, weights=mass) == pytest.approx(14, abs=0.5)


def test_a_page_for_colour_images_says_how_to_send_them(start, tmp_path):
    class Colour(Brightest):
        input_shape = (3, 2, 3)

        def __call__(self, x):
            return x.reshape(len(x), -1).astype(np.float32)[:, :6]

    server, browser = start(Colour()), Browser(tmp_path / "profile")
    try:
        browser.open(f"http://127.0.0.1:{server.port}/")
        assert "3×2×3" in browser.wait_for("document.getElementById('hint').textContent.includes('colour') && "
                                            "document.getElementById('hint').textContent")
    finally:
        browser.close()
