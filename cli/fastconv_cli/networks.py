"""The networks that commands take: by name, or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fastconv.nn import Layer

#: Channels, height and width where nothing says them.
DIGIT = (1, 28, 28)


def network_of(model: str) -> Layer:
    """The network of a name in fastconv.models, or the one saved in a file; BadParameter where it is neither."""
    import fastconv as fc
    from fastconv.models import MODELS

    if model in MODELS:
        return MODELS[model]()
    if not Path(model).exists():
        raise click.BadParameter(f"{model!r} is neither a file nor one of {', '.join(MODELS)}.", param_hint="'MODEL'")
    return fc.load(Path(model))
