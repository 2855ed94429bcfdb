"""Networks as ONNX models."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import onnx
from onnx import TensorProto, helper, numpy_helper

from fastconv._version import __version__
from fastconv.durable import write_file
from fastconv.errors import OnnxError
from fastconv.nn.layer import Layer
from fastconv.onnx.functions import OPSET, function
from fastconv.onnx.model import DOMAIN
from fastconv.onnx.writer import Writer, write

#: The version of the format that goes with the operators.
IR_VERSION = 10

#: Where a model keeps what `Layer.set_images` was told.
IMAGES = "fastconv.images"


def export(model: Layer, path: str | os.PathLike[str], image_shape: Sequence[int] | None = None) -> None:
    """Writes a network to an ONNX file, which takes batches of any size of images `image_shape` (C, H, W).

    image_shape: by default what the network was trained on; (F,) for a network of features.
    The file's network takes float32 images that are already prepared: where our network would be given uint8 images,
    subtract the mean from images / 255 and divide by std first. Both are in the file's metadata, "fastconv.images".
    Layers that ONNX has no operator for are functions in the file, which any runtime with functions runs.

    Raises OnnxError, naming the layer, for one that cannot be written, and OSError where the file cannot be.
    """
    proto = to_proto(model, image_shape)
    write_file(path, proto.SerializeToString())


def to_proto(model: Layer, image_shape: Sequence[int] | None = None) -> onnx.ModelProto:
    """The ONNX model that `export` writes."""
    shape = image_shape or model.input_shape
    if shape is None:
        raise OnnxError("the network does not know its images: expected image_shape (C, H, W)")
    network = model.expansion()
    model.parameters()
    shapes = network.shapes((1, *shape))
    writer, names = Writer(), ["input"]
    for node, made in zip(network.nodes, shapes[1:], strict=True):
        reads = [names[value] for value in node.inputs]
        writer.begin(node.name, [shapes[value] for value in node.inputs], made)
        names.append(write(node.layer, writer, *reads))
    writer.rename(names[network.output], "output")
    graph = helper.make_graph(
        writer.nodes, "network", [_batch("input", shapes[0])], [_batch("output", shapes[network.output])],
        [numpy_helper.from_array(array, name) for name, array in writer.constants.items()])
    domains = [helper.make_opsetid("", OPSET), *([helper.make_opsetid(DOMAIN, 1)] if writer.functions else [])]
    proto = helper.make_model(graph, opset_imports=domains, ir_version=IR_VERSION, producer_name="fastconv",
                              producer_version=__version__, functions=[function(name) for name in writer.functions])
    if model.mean is not None and model.std is not None:
        images = {"mean": model.mean.tolist(), "std": model.std.tolist(), "classes": model.classes}
        helper.set_model_props(proto, {IMAGES: json.dumps(images)})
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _batch(name: str, shape: Sequence[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape[1:]])
