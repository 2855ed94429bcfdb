"""Networks of layers from ONNX files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastconv import nn
from fastconv.errors import OnnxError, UnsupportedError
from fastconv.onnx.evaluate import compute
from fastconv.onnx.exporter import IMAGES
from fastconv.onnx.lowering import LAYERS
from fastconv.onnx.model import Input, Model, Node, read
from fastconv.onnx.network import Network, Value, graph

#: Images of a batch of any size, while its shapes are followed: a prime, so that no other size is a multiple of it.
BATCH = 2**31 - 1

#: What names of parameters end with, behind the name of their layer.
_PARAMETERS = ("weight", "bias", "running_mean", "running_var", "beta", "p", "p1", "p2")


def load(path: str | os.PathLike[str], image_shape: Sequence[int] | None = None) -> nn.Graph:
    """The network in an ONNX file, as layers: it can be called, trained, and saved.

    The file has one input, float32 images (N, C, H, W) or features (N, F), one output, and inference operators that
    our layers compute (docs/onnx.md), of opset 13 or later. N becomes any number, even if the file has a fixed one.
    image_shape: (C, H, W), needed where the file leaves these open.
    Layers have the names of their parameters in the file where these are as PyTorch's, "layer1.0.conv1.weight".

    Raises OnnxError, naming the file and the node, for a file that is damaged, and UnsupportedError for an operator or
    an attribute that no layer has.
    """
    model = read(path)
    try:
        return to_layers(model, image_shape)
    except OnnxError as error:
        raise type(error)(f"{path}: {error}") from error


def to_layers(model: Model, image_shape: Sequence[int] | None = None) -> nn.Graph:
    """The layers of a model that has been read."""
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UnsupportedError(f"one input and one output are supported, found {len(model.inputs)} "
                               f"and {len(model.outputs)}")
    batch = Value(_batch_shape(model.inputs[0], image_shape))
    values: dict[str, Value | NDArray[Any]] = {**model.constants, model.inputs[0].name: batch}
    for node in model.nodes:
        values |= _made(node, [values[name] if name else None for name in node.inputs])
    output = values[model.outputs[0]]
    if not isinstance(output, Value):
        raise UnsupportedError("its output does not depend on the images")
    network = graph(output)
    _set_images(network, batch.shape[1:], model.properties)
    return network


def _made(node: Node, inputs: Sequence[Value | NDArray[Any] | None]) -> Mapping[str, Any]:
    """What a node makes: of constants by computing it, otherwise by a layer."""
    if not any(isinstance(each, Value) for each in inputs):
        return compute(node, [None if isinstance(each, Value) else each for each in inputs])
    if node.op not in LAYERS:
        raise UnsupportedError(f"{node}: no layer does this here")
    made = LAYERS[node.op].call(node, inputs, Network(node, _layer_name(node)))
    outputs = made if isinstance(made, tuple) else (made,)
    if any(node.outputs[len(outputs):]):
        raise UnsupportedError(f"{node}: one output is supported, found {len(node.outputs)}")
    return dict(zip(node.outputs, outputs, strict=False))


def _layer_name(node: Node) -> str:
    """What a node's layer is called: as its parameters are, or as the node is: of "/conv1/Conv", conv1."""
    for name in node.inputs[1:]:
        prefix, _, last = name.rpartition(".")
        if prefix and last in _PARAMETERS and ":" not in name:
            return prefix
    *path, last = [part for part in node.name.split("/") if part] or [node.op]
    return ".".join(path if path and last.startswith(node.op) else [*path, last])


def _batch_shape(batch: Input, image_shape: Sequence[int] | None) -> tuple[int, ...]:
    if batch.dtype != np.float32:
        raise UnsupportedError(f'expected an input of float32, found "{batch.name}" of {batch.dtype}')
    sizes = batch.shape
    if len(sizes) not in (2, 4):
        raise UnsupportedError(f'expected images (N, C, H, W) or features (N, F), found "{batch.name}" {sizes}')
    given = (None,) * (len(sizes) - 1) if image_shape is None else tuple(image_shape)
    if len(given) != len(sizes) - 1 or any(g not in (None, size) for g, size in zip(given, sizes[1:], strict=True)
                                           if size is not None):
        raise OnnxError(f'expected image_shape as "{batch.name}" {sizes} has it, found {given}')
    shape = [size if g is None else g for g, size in zip(given, sizes[1:], strict=True)]
    known = [size for size in shape if isinstance(size, int) and size > 0]
    if len(known) < len(shape):
        raise OnnxError(f'"{batch.name}" is {sizes}: say what images it is given, image_shape (C, H, W)')
    return BATCH if sizes[0] is None or sizes[0] < 1 else sizes[0], *known


def _set_images(network: nn.Graph, shape: tuple[int, ...], properties: Mapping[str, str]) -> None:
    """Tells the network what images it is for, as far as the file says; otherwise uint8 images are only scaled."""
    images: dict[str, Any] = {"mean": np.zeros(shape[0]), "std": np.ones(shape[0])}
    try:
        if IMAGES in properties:
            images |= json.loads(properties[IMAGES])
        size = (shape[0], shape[1], shape[2]) if len(shape) == 3 else None
        network.set_images(images["mean"], images["std"], images.get("classes"), size)
    except (ValueError, TypeError, RecursionError) as error:
        raise OnnxError(f'its property "{IMAGES}" describes no images: {error}') from error
