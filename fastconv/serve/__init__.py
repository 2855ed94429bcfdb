"""A small HTTP service around a model: predictions as JSON, and a page to draw digits on.

`serve` runs until it is told to stop. It takes any model that is called with images: the engine's or NumPy's.
"""

from fastconv.serve.server import Limits, Server, serve
from fastconv.serve.service import Service

__all__ = ["Limits", "Server", "Service", "serve"]
