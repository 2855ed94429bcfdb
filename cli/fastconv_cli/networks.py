"""The networks that commands take: by name, or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastconv.nn import Layer

#: Channels, height and width where nothing says them.
DIGIT = (1, 28, 28)


def network_of(model: str) -> Layer:
    """The network of a name in fastconv.models, or the one saved in a file."""
    import fastconv as fc
    from fastconv.models import MODELS

    return MODELS[model]() if model in MODELS else fc.load(Path(model))
