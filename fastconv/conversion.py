"""Files of networks from one format to another: ONNX, and safetensors."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fastconv import models, onnx, serialization
from fastconv.errors import CheckpointError, DtypeError, ShapeError
from fastconv.nn.layer import Layer

ONNX, SAFETENSORS = ".onnx", ".safetensors"


def convert(source: str | os.PathLike[str], target: str | os.PathLike[str], model: str | None = None,
            image_shape: Sequence[int] | None = None) -> Layer:
    """Writes the network in one file to another, and returns it. A file's format is what its name ends with.

    model: a name of `models.MODELS`, where the source holds no network but the parameters of that one, such as
    PyTorch's state dict.
    image_shape: (C, H, W), where the source does not say it.
    Raises ValueError for other endings, and as `load`, `save`, `onnx.load` and `onnx.export` do.
    """
    endings = [Path(each).suffix.lower() for each in (source, target)]
    for path, ending in zip((source, target), endings, strict=True):
        if ending not in (ONNX, SAFETENSORS):
            raise ValueError(f"{path}: expected a file name that ends with {ONNX} or {SAFETENSORS}")
    if model is not None:
        if endings[0] == ONNX:
            raise ValueError(f"{source}: an ONNX file describes its network itself; it takes no name of a model")
        network = _of_architecture(model, source)
    else:
        network = onnx.load(source, image_shape) if endings[0] == ONNX else serialization.load(source)
    if endings[1] == ONNX:
        onnx.export(network, target, image_shape)
    else:
        serialization.save(network, target)
    return network


def _of_architecture(name: str, path: str | os.PathLike[str]) -> Layer:
    """The network of that name with the parameters in a file, and as many classes as they are for."""
    if name not in models.MODELS:
        raise ValueError(f"expected a model of {', '.join(models.MODELS)}, got {name!r}")
    state = serialization.load_state_dict(path)
    network = models.MODELS[name]()
    *_, last = network.parameters()
    try:
        if last in state and len(state[last]):
            network = models.MODELS[name](len(state[last]))
        network.load_state_dict(state)
    except (ShapeError, DtypeError, TypeError) as error:
        raise CheckpointError(f"{path}: its parameters are not those of {name}: {error}") from error
    return network
