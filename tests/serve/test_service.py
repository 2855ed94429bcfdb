"""What the service answers."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest

import fastconv as fc
from fastconv.serve import Service
from tests.networks import small_network
from tests.serve.conftest import Brightest

IMAGE = np.array([[[0, 1, 2], [3, 9, 5]]], np.uint8)  # "e" is the brightest


def npy(array, **options):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


def png(array):
    image = pytest.importorskip("PIL.Image")
    stream = io.BytesIO()
    image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("document", [
    {"image": IMAGE.tolist()}, {"image": IMAGE[0].tolist()}, {"image": (IMAGE / 4).tolist()},
    {"image": base64.b64encode(IMAGE.tobytes()).decode()}, {"images": [IMAGE.tolist()]},
])
def test_an_image_as_json_is_predicted(server, document):
    status, answer = server.predict(document)
    assert status == 200
    (prediction,) = answer["predictions"]
    assert prediction["class"] == "e"
    assert prediction["probability"] == max(prediction["probabilities"].values())
    assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert list(prediction["probabilities"]) == ["a", "b", "c", "d", "e", "f"]
    assert answer["milliseconds"] >= 0


@pytest.mark.parametrize("body", [
    npy(IMAGE), npy(IMAGE[0]), npy(np.stack([IMAGE] * 2)), npy(IMAGE.astype(np.float32)), npy(IMAGE.astype(">f4")),
    npy(np.asfortranarray(IMAGE[0])), npy(IMAGE, version=(2, 0)),
])
def test_a_npy_file_is_predicted(server, body):
    status, answer = server.ask("POST", "/predict", body)
    assert status == 200
    assert {each["class"] for each in answer["predictions"]} == {"e"}


def test_a_png_picture_is_predicted_whatever_it_is_called(server):
    status, answer = server.ask("POST", "/predict", png(IMAGE[0]), Content_Type="image/png")
    assert (status, answer["predictions"][0]["class"]) == (200, "e")


def test_several_images_are_predicted_in_their_order(server):
    images = [np.roll(IMAGE, shift).tolist() for shift in range(6)]
    status, answer = server.predict({"images": images})
    assert status == 200
    assert "".join(each["class"] for each in answer["predictions"]) == "efabcd"


@pytest.mark.parametrize(("document", "message"), [
    ([], "expected {"), ({}, "expected {"), ({"image": IMAGE.tolist(), "x": 1}, "expected {"),
    ({"images": []}, "expected {"),
    ({"images": "abc"}, "expected {"), ({"image": 3}, "nested lists or as base64"), ({"image": None}, "nested lists"),
    ({"image": "A"}, "not base64"), ({"image": "AAAA"}, "expected 6 bytes for an image (1, 2, 3), got 3"),
    ({"image": []}, "got (0,)"), ({"image": [[1, 2], [3]]}, "equal lengths"),
    ({"image": [[1, 2, 3]]}, "takes images (1, 2, 3), got (1, 3)"), ({"image": [1, 2, 3, 4, 5, 6]}, "got (6,)"),
    ({"image": [[0, 0, 0], [0, 0, 256]]}, "from 0 to 255"), ({"image": [[0, 0, 0], [0, 0, -1]]}, "from 0 to 255"),
    ({"image": [[0, 0, 0], [0, 0, 10**30]]}, "from 0 to 255"), ({"image": [["a"]]}, "from 0 to 255"),
    ({"image": [[True]]}, "from 0 to 255"), ({"image": [[0.0, 0, 0], [0, 0, 1e300]]}, "NaN or infinite"),
    ({"image": [[0.0, 0, 0], [0, 0, float("nan")]]}, "NaN or infinite"), ({"image": [[None]]}, "from 0 to 255"),
    ({"images": [IMAGE.tolist(), (IMAGE / 4).tolist()]}, "all images as integers"),
])
def test_json_that_is_no_image_is_answered_with_422_and_the_reason(server, document, message):
    status, answer = server.predict(document)
    assert status == 422
    assert message in answer["error"]


@pytest.mark.parametrize(("body", "content_type", "status"), [
    (b"{", "application/json", 422), (b"\xff", "application/json", 422), (b"[" * 15_000, "application/json", 422),
    (b"", "application/json", 422), (b"x=1", "application/x-www-form-urlencoded", 415), (b"abc", "", 415),
    (npy(IMAGE)[:-1], "", 422), (npy(IMAGE)[:20], "", 422), (b"\x93NUMPY\x03\x00" + bytes(20), "", 422),
    (npy(IMAGE.astype(np.float64)), "", 422), (npy(np.array([None]), allow_pickle=True), "", 422),
    (npy(np.zeros((0, 1, 2, 3), np.uint8)), "", 422), (npy(np.uint8(3)), "", 422),
    (npy(IMAGE).replace(b"(1, 2, 3)", b"(9**9999)"), "", 422),
    (npy(IMAGE).replace(b"(1, 2, 3)", b"(1,-2,-3)"), "", 422),
    (b"\x89PNG\r\n\x1a\n", "image/png", 422),
])
def test_bodies_that_cannot_be_read_are_answered_with_an_error(server, body, content_type, status):
    found, answer = server.ask("POST", "/predict", body, Content_Type=content_type)
    assert found == status
    assert answer["error"]


def test_health_says_what_is_served(server):
    status, answer = server.ask("GET", "/health")
    assert status == 200
    assert answer == {"status": "ok", "model": "brightest", "input_shape": [1, 2, 3],
                      "classes": ["a", "b", "c", "d", "e", "f"], "version": fc.__version__}


def test_the_page_is_html_that_may_load_nothing_from_elsewhere(server):
    answer = server.exchange(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").decode()
    head, _, page = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK")
    assert "Content-Type: text/html" in head
    assert "default-src 'none'" in head
    assert "<canvas" in page
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("GET", "/predict", 405), ("POST", "/", 405), ("DELETE", "/health", 405),
    ("GET", "/../../etc/passwd", 404)])
def test_other_paths_and_methods_are_refused(server, method, path, status):
    found, answer = server.ask(method, path, b"" if method == "POST" else None)
    assert found == status
    assert answer["error"]


def test_head_is_answered_without_a_body(server):
    answer = server.exchange(b"HEAD /health HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n")


def test_a_model_that_fails_is_answered_with_500_and_the_next_request_is_served(start, capfd):
    class Failing(Brightest):
        def __call__(self, x):
            if len(x) == 3:
                raise ZeroDivisionError("a bug")
            return super().__call__(x)

    server = start(Failing())
    assert server.predict({"images": [IMAGE.tolist()] * 3})[0] == 500
    assert server.predict({"image": IMAGE.tolist()})[0] == 200
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_model_without_a_shape_is_refused():
    with pytest.raises(ValueError, match="nameless: the model does not say the shape of its images"):
        Service(small_network(), "nameless")


def test_a_model_that_makes_no_scores_is_refused():
    model = fc.nn.Conv2d(1, 2, 3)
    model.set_images([0.0], [1.0], None, (1, 6, 6))
    with pytest.raises(ValueError, match=r"expected a model that makes scores \(N, K\), one image makes \(2, 4, 4\)"):
        Service(model, "pictures")


@pytest.mark.parametrize("make", [lambda model: model, fc.infer.Model])
def test_the_engine_and_numpy_are_served_alike(start, make):
    model = small_network()
    model.set_images([0.5], [0.25], None, (1, 6, 6))
    served = make(model)
    served.may_go = Brightest().may_go
    server = start(served)
    image = np.random.default_rng(0).integers(0, 256, (1, 6, 6), np.uint8)
    status, answer = server.predict({"image": image.tolist()})
    assert status == 200
    assert answer["predictions"][0]["class"] == str(model(image[None]).argmax())
    assert json.dumps(answer)
