"""Models as safetensors files: the parameters as tensors, the architecture as JSON in the header."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load as parse_tensors
from safetensors.numpy import save as write_tensors

from fastconv import nn
from fastconv.durable import write_file
from fastconv.errors import CheckpointError
from fastconv.nn.layer import Layer

FORMAT = "fastconv 1"

#: The name of the best model in the folder of a run.
BEST = "best.safetensors"

#: The layers a file may name; nothing else is ever made from one.
LAYERS: dict[str, Callable[..., Layer]] = {layer.__name__: layer for layer in (
    nn.AconA, nn.AconB, nn.AconC, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.Add, nn.AvgPool2d, nn.BatchNorm2d,
    nn.ChannelShuffle, nn.Concat, nn.Conv2d, nn.ConvTranspose2d, nn.Dropout, nn.Dropout2d, nn.ELU, nn.Flatten, nn.GELU,
    nn.Graph, nn.GroupNorm, nn.Hardswish, nn.Hardtanh, nn.LayerNorm, nn.LeakyReLU, nn.Linear, nn.MaxPool2d,
    nn.MetaAconC, nn.Mish, nn.Multiply, nn.Narrow, nn.PReLU, nn.ReLU, nn.ReLU6, nn.Residual, nn.SELU, nn.SiLU,
    nn.Sigmoid, nn.Softmax, nn.Softplus, nn.SqueezeExcite, nn.Swish, nn.Tanh, nn.Upsample)}

#: Characters of the architecture's JSON: room for thousands of layers, and a bound on what a hostile file can cost.
LONGEST_DESCRIPTION = 1_000_000

#: Layers inside each other.
DEEPEST = 50


def save(model: Layer, path: str | os.PathLike[str]) -> None:
    """Writes a model to a safetensors file, which readers of that format can open too.

    The file appears under its name only when it is complete and on the disk. Raises OSError, naming the file, where it
    cannot be written, and TypeError for a layer that is not fastconv's own.
    """
    write_file(path, to_bytes(model))


def to_bytes(model: Layer) -> bytes:
    """A model as what `save` writes; TypeError for a layer that is not fastconv's own."""
    images = {"mean": model.mean, "std": model.std, "classes": model.classes, "input_shape": model.input_shape}
    description = {"layer": _describe(model), **{
        name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in images.items()}}
    metadata = {"format": FORMAT, "model": json.dumps(description)}
    return write_tensors(model.state_dict(), metadata)


def load(path: str | os.PathLike[str]) -> Layer:
    """The model in a file written by `save`. Nothing in the file is executed.

    Raises CheckpointError, naming the file and what is wrong, for anything that is not such a file.
    """
    state, metadata = read_tensors(path, "a model")
    return _model(metadata, state, str(path))


def load_state_dict(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """All arrays in a safetensors file, by name: with PyTorch's state dict in it, `Layer.load_state_dict` takes them.

    Raises CheckpointError, naming the file, for anything that is not such a file.
    """
    return read_tensors(path, "a state dict")[0]


def from_bytes(content: bytes, name: str = "model") -> Layer:
    """As `load`, from what such a file holds; errors call it by `name`."""
    try:
        state = parse_tensors(content)  # checks the header, too
        metadata = json.loads(content[8:8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})
    except (SafetensorError, ValueError, TypeError, KeyError, MemoryError) as error:
        raise CheckpointError(f"{name}: cannot be read as a model: {_reason(error)}") from error
    return _model(metadata, state, name)


def _model(metadata: dict[str, str], state: dict[str, NDArray[Any]], path: str) -> Layer:
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected a model saved by fastconv (format {FORMAT!r}), "
                              f"found format {metadata.get('format')!r}")
    try:
        if len(metadata["model"]) > LONGEST_DESCRIPTION:
            raise ValueError(f"its description is longer than {LONGEST_DESCRIPTION:,} characters")
        description = json.loads(metadata["model"])
        model = _make(description["layer"])
        model.load_state_dict(state)
        if description["mean"] is not None:
            model.set_images(*(description[name] for name in ("mean", "std", "classes", "input_shape")))
    except KeyError as error:
        raise CheckpointError(f"{path}: does not describe a model: {error} is missing") from error
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError, MemoryError) as error:
        raise CheckpointError(f"{path}: does not describe a model: {error}") from error
    return model


def read_tensors(path: str | os.PathLike[str], what: str) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays and the metadata of a safetensors file; CheckpointError, saying what was expected, for another one."""
    if os.path.isdir(path):
        best = os.path.join(path, BEST)
        hint = f"; the best model of this run is {best}" if os.path.isfile(best) else ""
        raise CheckpointError(f"{path}: is a folder, expected {what} in a file{hint}")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata, names = file.metadata() or {}, file.keys()
            return {name: file.get_tensor(name) for name in names}, metadata
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, AttributeError, MemoryError) as error:
        raise CheckpointError(f"{path}: cannot be read as {what}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, SafetensorError):
        return "it is damaged or cut short, or not a safetensors file"
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


def _describe(layer: Layer) -> dict[str, Any]:
    if isinstance(layer, nn.Sequential):
        return {"type": "Sequential", "layers": [_describe(each) for each in layer]}
    if LAYERS.get(type(layer).__name__) is not type(layer):
        raise TypeError(f"{type(layer).__name__} cannot be saved: only fastconv's own layers can be made from a file")
    return {"type": type(layer).__name__, **{name: _as_json(value) for name, value in layer.config.items()}}


def _as_json(value: Any) -> Any:
    """An argument of a layer, with the layers in it described."""
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return _describe(value) if isinstance(value, Layer) else value


def _make(description: dict[str, Any], depth: int = 0) -> Layer:
    if depth > DEEPEST:
        raise ValueError(f"its layers are nested deeper than {DEEPEST}")
    arguments = {name: _from_json(value, depth) for name, value in description.items()}
    kind = arguments.pop("type")
    if kind == "Sequential":
        return nn.Sequential(*arguments.pop("layers"), **arguments)
    if kind not in LAYERS:
        raise ValueError(f"unknown layer {kind!r}")
    return LAYERS[kind](**arguments)


def _from_json(value: Any, depth: int) -> Any:
    """An argument of a layer."""
    if isinstance(value, list):
        return tuple(_from_json(each, depth) for each in value)
    return _make(value, depth + 1) if isinstance(value, dict) else value
