"""ONNX models as they are read here: nodes with their attributes as Python values, and constants as arrays."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx.checker import ValidationError

from fastconv.errors import OnnxError, UnsupportedError
from fastconv.onnx.tensors import bring_in, dtype_of, to_array

#: The domain of the functions `export` writes for layers that ONNX has no operator for.
DOMAIN = "fastconv"

#: The oldest set of operators that is read.
OLDEST_OPSET = 13


@dataclass(frozen=True)
class Node:
    """One operator: its type, behind "fastconv." if it is a layer of ours; "" is an input or output left out."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        return f'{self.op} "{self.name}"'


@dataclass(frozen=True)
class Input:
    """A value the model is given; a size is None where the model leaves it open."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]


@dataclass(frozen=True)
class Model:
    """A graph in the order of computation. constants: the arrays that travel in the file, by name."""

    inputs: Sequence[Input]
    outputs: Sequence[str]
    nodes: Sequence[Node]
    constants: Mapping[str, NDArray[Any]]
    properties: Mapping[str, str]


def read(path: str | os.PathLike[str]) -> Model:
    """The model in a file, whose external data, if any, lies in the file's folder.

    Raises OnnxError, naming the file, for what is no ONNX model, and UnsupportedError for what is not read here.
    """
    try:
        return parse(onnx.ModelProto.FromString(Path(path).read_bytes()), Path(path).parent)
    except OSError as error:
        raise OnnxError(f"{path}: cannot be read: {error.strerror}") from error
    except DecodeError as error:
        raise OnnxError(f"{path}: cannot be read as an ONNX model: {error}") from error
    except OnnxError as error:
        raise type(error)(f"{path}: {error}") from error


def parse(proto: onnx.ModelProto, folder: Path | None = None) -> Model:
    """The model in a message. Raises as `read` does; without a folder external data is refused."""
    graph = proto.graph
    for tensor in _tensors(graph):
        bring_in(tensor, folder)
    try:
        onnx.checker.check_model(proto)
    except (ValidationError, ValueError) as error:  # a ValueError where it is too large to be checked
        raise OnnxError(f"is no sound ONNX model: {_first_line(error)}") from error
    opset = max((each.version for each in proto.opset_import if each.domain in ("", "ai.onnx")), default=OLDEST_OPSET)
    if opset < OLDEST_OPSET:
        raise UnsupportedError(f"opset {opset}: {OLDEST_OPSET} and later are supported")
    if graph.sparse_initializer:
        raise UnsupportedError("sparse initializers are not supported")
    constants = {_text(tensor.name): to_array(tensor) for tensor in graph.initializer}
    return Model([_input(each) for each in graph.input if each.name not in constants],
                 [_text(each.name) for each in graph.output], [node_of(each) for each in graph.node], constants,
                 {_text(each.key): _text(each.value) for each in proto.metadata_props})


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """All tensors, but those of nested graphs, which are refused anyway."""
    yield from graph.initializer
    for node in graph.node:
        yield from (attribute.t for attribute in node.attribute if attribute.HasField("t"))


def _input(info: onnx.ValueInfoProto) -> Input:
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        raise UnsupportedError(f'input "{info.name}" is no tensor but a {str(kind).removesuffix("_type")}')
    tensor = info.type.tensor_type
    sizes = [each.dim_value if each.HasField("dim_value") else None for each in tensor.shape.dim]
    return Input(_text(info.name), dtype_of(tensor.elem_type),
                 tuple(sizes))


def node_of(proto: onnx.NodeProto) -> Node:
    """The node in a message. Raises UnsupportedError for one with nested graphs."""
    kind, domain, name = map(_text, (proto.op_type, proto.domain, proto.name))
    inputs, outputs = (tuple(map(_text, names)) for names in (proto.input, proto.output))
    node = Node(kind if domain in ("", "ai.onnx") else f"{domain}.{kind}", name or next(iter(outputs), ""), inputs,
                outputs, {})
    return replace(node, attributes={_text(each.name): _attribute(node, each) for each in proto.attribute})


def _attribute(node: Node, attribute: onnx.AttributeProto) -> Any:
    match onnx.helper.get_attribute_value(attribute):
        case bytes(text):
            return text.decode(errors="replace")
        case onnx.TensorProto() as tensor:
            return to_array(tensor)
        case int() | float() as number:
            return number
        case list(several) if all(isinstance(each, int | float) for each in several):
            return tuple(several)
        case _:
            raise UnsupportedError(f'{node}: the kind of its attribute "{attribute.name}" is not supported')


def _text(name: str | bytes) -> str:
    """A name in a message, which is bytes where it is no UTF-8."""
    if isinstance(name, bytes):
        raise OnnxError(f"a name in it is no text: {name!r}")
    return name


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split("\n\n")[0].split())
