"""What the service answers: predictions, its state, and the page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from importlib import resources
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastconv._version import __version__
from fastconv.errors import DataError, DtypeError, ShapeError
from fastconv.probabilities import Network, probabilities_of
from fastconv.serve.batches import Batches
from fastconv.serve.body import UnknownContentError, images_of
from fastconv.serve.http import HttpError, Request, Response

#: The page loads nothing and talks to nobody but this service.
POLICY = ("default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
          "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")

#: Decimal places of probabilities.
PLACES = 6

Handler = Callable[[Request], Awaitable[Response]]


class Classifier(Network, Protocol):
    """A model as `fastconv.load` or `fastconv.infer.load` returns it."""

    classes: tuple[str, ...] | None
    input_shape: tuple[int, int, int] | None

    def __call__(self, x: NDArray[Any], /) -> NDArray[np.float32]: ...


class Service:
    """Answers requests with what a model makes of their images.

    name: what clients are told the model is called.
    Raises ValueError for a model that does not say the shape of its images, or does not make class scores (N, K).
    """

    def __init__(self, model: Classifier, name: str) -> None:
        if model.input_shape is None:
            raise ValueError(f"{name}: the model does not say the shape of its images; Trainer.fit or "
                             "model.set_images sets it before fastconv.save")
        self.shape, self.name = model.input_shape, name
        self.batches, self._probabilities = Batches(model), probabilities_of(model)
        scores = [model(np.zeros((size, *self.shape), dtype)) for dtype in (np.uint8, np.float32) for size in (16, 1)]
        if scores[0].ndim != 2:
            raise ValueError(f"{name}: expected a model that makes scores (N, K), "
                             f"one image makes {scores[0].shape[1:]}")
        self.classes = model.classes or tuple(str(label) for label in range(scores[0].shape[1]))
        page = resources.files("fastconv.serve").joinpath("page.html").read_bytes()
        self._page = Response(page, "text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})
        self._routes: dict[str, dict[str, Handler]] = {
            "/": {"GET": self.page}, "/health": {"GET": self.health}, "/predict": {"POST": self.predict}}

    async def respond(self, request: Request) -> Response:
        """The answer to a request. Raises HttpError."""
        methods = self._routes.get(request.head.path)
        if methods is None:
            raise HttpError(HTTPStatus.NOT_FOUND, f"there are {', '.join(self._routes)}")
        method = "GET" if request.head.method == "HEAD" else request.head.method
        if method not in methods:
            allowed = ", ".join(methods)
            raise HttpError(HTTPStatus.METHOD_NOT_ALLOWED, f"{request.head.path} takes {allowed}", Allow=allowed)
        return await methods[method](request)

    async def page(self, request: Request) -> Response:
        """The page to draw on."""
        return self._page

    async def health(self, request: Request) -> Response:
        """That the service is up, and what it serves."""
        return Response.of_json({"status": "ok", "model": self.name, "input_shape": self.shape,
                                 "classes": self.classes, "version": __version__})

    async def predict(self, request: Request) -> Response:
        """The classes of the images in a request, most probable first, and the milliseconds of the model's call."""
        try:
            images = images_of(request.body, request.head.headers.get("content-type", ""), self.shape)
        except UnknownContentError as error:
            raise HttpError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, str(error)) from error
        except (DataError, DtypeError, ShapeError) as error:
            raise HttpError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error
        outputs = await self.batches.outputs(images)
        rows = self._probabilities(outputs.values)
        return Response.of_json({"predictions": [self._prediction(row) for row in rows],
                                 "milliseconds": round(outputs.milliseconds, 3)})

    def _prediction(self, row: NDArray[np.float64]) -> dict[str, Any]:
        best = int(row.argmax())
        shares = row.round(PLACES).tolist()
        return {"class": self.classes[best], "probability": shares[best],
                "probabilities": dict(zip(self.classes, shares, strict=True))}
