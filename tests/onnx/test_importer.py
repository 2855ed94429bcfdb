"""Loading ONNX files: what the nodes of other programs become, and what is refused, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import fastconv as fc
from fastconv import nn
from fastconv.errors import OnnxError, UnsupportedError
from tests.networks import normal
from tests.oracles import assert_close

TOLERANCE = 1e-5
FLOAT = onnx.TensorProto.FLOAT


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "model.onnx"


def write(path: Path, nodes: str, shape: tuple[Any, ...] = ("N", 4, 6, 6), opset: int = 17,
          **constants: Any) -> onnx.ModelProto:
    """A model of nodes in ONNX's textual form, from x to y."""
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> g (float x) => (float y) {{ {nodes} }}'
    model = onnx.parser.parse_model(text)
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", FLOAT, shape))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", FLOAT, ()))  # some shape is required
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name)
                                   for name, value in constants.items())
    path.write_bytes(model.SerializeToString())
    return model


def kinds(network: nn.Graph) -> list[type]:
    return [type(layer) for layer in network.children.values()]


def assert_as_evaluated(model: onnx.ModelProto, network: nn.Graph, x: np.ndarray) -> None:
    """Asserts that the layers make of x what the nodes make one by one."""
    assert_close(network(x), fc.onnx.run_model(model, [x])[0], TOLERANCE)


W = normal(5, 8, 4, 3, 3)
MATRIX = normal(6, 144, 5)
CASES: dict[str, tuple[str, dict[str, Any], list[type]]] = {
    "silu": ("s = Sigmoid(x) y = Mul(x, s)", {}, [nn.SiLU]),
    "mish": ("a = Softplus(x) b = Tanh(a) y = Mul(x, b)", {}, [nn.Mish]),
    "gelu, halved last": ("a = Div(x, root) b = Erf(a) c = Add(b, one) d = Mul(x, c) y = Mul(d, half)",
                          {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}, [nn.GELU]),
    "gelu, halved first": ("a = Div(x, root) b = Erf(a) c = Add(b, one) d = Mul(x, half) y = Mul(d, c)",
                           {"root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)}, [nn.GELU]),
    "relu6": ("y = Clip(x, low, high)", {"low": np.float32(0), "high": np.float32(6)}, [nn.ReLU6]),
    "relu by clip": ("y = Clip(x, low)", {"low": np.float32(0)}, [nn.ReLU]),
    "hardtanh": ("y = Clip(x, low, high)", {"low": np.float32(-0.5), "high": np.float32(2)}, [nn.Hardtanh]),
    "hard sigmoid": ("y = HardSigmoid(x)", {}, [nn.Conv2d, nn.Hardtanh]),
    "matmul and add": ("f = Flatten(x) a = MatMul(f, m) y = Add(a, b)", {"m": MATRIX, "b": normal(0, 5)},
                       [nn.Flatten, nn.Linear]),
    "add the other way round": ("f = Flatten(x) a = MatMul(f, m) y = Add(b, a)", {"m": MATRIX, "b": normal(0, 1, 5)},
                                [nn.Flatten, nn.Linear]),
    "gemm with factors": ("f = Flatten(x) y = Gemm <alpha = 0.5, beta = 2.0>(f, m, b)",
                          {"m": MATRIX, "b": normal(0, 1)}, [nn.Flatten, nn.Linear]),
    "a bias by add": ("c = Conv(x, w) y = Add(c, b)", {"w": W, "b": normal(0, 8, 1, 1)}, [nn.Conv2d]),
    "images prepared in the network": ("a = Sub(x, m) y = Div(a, s)", {
        "m": normal(0, 1, 4, 1, 1), "s": np.float32(0.3)}, [nn.Conv2d]),
    "pad before a convolution": ("p = Pad(x, pads) y = Conv <pads = [0, 1, 0, 0]>(p, w)", {
        "pads": np.array([0, 0, 1, 2, 0, 0, 3, 0]), "w": W}, [nn.Conv2d]),
    "same_upper": ('y = Conv <auto_pad = "SAME_UPPER", strides = [2, 2]>(x, w)', {"w": W}, [nn.Conv2d]),
    "same_lower": ('y = Conv <auto_pad = "SAME_LOWER", strides = [2, 2]>(x, w)', {"w": W}, [nn.Conv2d]),
    "valid": ('y = Conv <auto_pad = "VALID", pads = [1, 1, 1, 1]>(x, w)', {"w": W}, [nn.Conv2d]),
    "same pooling": ('y = MaxPool <auto_pad = "SAME_UPPER", kernel_shape = [3, 3]>(x)', {}, [nn.MaxPool2d]),
    "same pooling, more at the end": (
        'y = MaxPool <auto_pad = "SAME_UPPER", kernel_shape = [3, 3], strides = [2, 2]>(x)', {}, [nn.MaxPool2d]),
    "ceil_mode": ("y = MaxPool <kernel_shape = [3, 2], strides = [2, 4], ceil_mode = 1>(x)", {}, [nn.MaxPool2d]),
    "means without the padding": ("y = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(x)", {},
                                  [nn.AvgPool2d]),
    "global max": ("y = GlobalMaxPool(x)", {}, [nn.AdaptiveMaxPool2d]),
    "channels put together": ("a = Relu(x) y = Concat <axis = 1>(a, x, a)", {}, [nn.ReLU, nn.Concat]),
    "channels taken apart": ("a, b = Split <axis = 1>(x, sizes) y = Concat <axis = -3>(b, a)", {
        "sizes": np.array([1, 3])}, [nn.Narrow, nn.Narrow, nn.Concat]),
    "equal parts": ("a, b = Split <axis = 1>(x) y = Sub(a, b)", {}, [nn.Narrow, nn.Narrow, nn.Conv2d, nn.Add]),
    "a part": ("y = Slice(x, a, b, c)", {"a": np.array([-3, 0]), "b": np.array([3, 99]), "c": np.array([1, 2])},
               [nn.Narrow]),
    "channel shuffle": ("a = Reshape(x, s) b = Transpose <perm = [0, 2, 1, 3, 4]>(a) y = Reshape(b, t)", {
        "s": np.array([0, 2, 2, 6, 6]), "t": np.array([0, -1, 6, 6])}, [nn.ChannelShuffle]),
    "larger by scales": ("y = Resize(x, , s)", {"s": np.array([1, 1, 2, 3], np.float32)}, [nn.Upsample]),
    "larger from the corner": ('y = Resize <coordinate_transformation_mode = "asymmetric", nearest_mode = "floor">'
                               "(x, , s)", {"s": np.array([1, 1, 4, 1], np.float32)}, [nn.Upsample]),
    "transposed": (
        "y = ConvTranspose <strides = [2, 2], pads = [1, 1, 0, 1], output_padding = [0, 1], group = 2>(x, v)",
        {"v": normal(7, 4, 3, 3, 3)}, [nn.ConvTranspose2d]),
    "transposed to a shape": ('y = ConvTranspose <strides = [2, 2], auto_pad = "SAME_LOWER">(x, v)',
                              {"v": normal(7, 4, 3, 4, 4)}, [nn.ConvTranspose2d]),
    "mean over pixels": ("y = ReduceMean <axes = [-1, 2], keepdims = 0>(x)", {}, [nn.AdaptiveAvgPool2d, nn.Flatten]),
    "shape arithmetic": ("s = Shape(x) i = Constant <value = int64 {0}>() n = Gather(s, i) z = Constant <value = "
                         "int64[1] {0}>() u = Unsqueeze(n, z) r = Constant <value = int64[1] {-1}>() "
                         "t = Concat <axis = 0>(u, r) y = Reshape(x, t)", {}, [nn.Flatten]),
    "squeeze": ("g = GlobalAveragePool(x) y = Squeeze(g, a)", {"a": np.array([2, 3])},
                [nn.AdaptiveAvgPool2d, nn.Flatten]),
    "there and back": ("f = Flatten(x) u = Unsqueeze(f, a) y = Flatten(u)", {"a": np.array([2, 3])}, [nn.Flatten]),
    "dropout": ("y = Dropout(x, p)", {"p": np.float32(0.25)}, [nn.Dropout]),
    "squeeze and excitation": ("m = GlobalAveragePool(x) a = Conv(m, v) b = HardSwish(a) c = Sigmoid(b) y = Mul(c, x)",
                               {"v": normal(7, 4, 4, 1, 1)}, [nn.AdaptiveAvgPool2d, nn.Conv2d, nn.Hardswish, nn.Sigmoid,
                                                              nn.Multiply]),
    "layer norm": ("y = LayerNormalization <axis = 1>(x, s)", {"s": normal(7, 4, 6, 6)}, [nn.LayerNorm]),
    "instance norm": ("y = InstanceNormalization(x, s, b)", {"s": normal(7, 4), "b": normal(8, 4)}, [nn.GroupNorm]),
    "group norm of opset 17": (
        "r = Reshape(x, rows) n = InstanceNormalization(r, ones, none) z = Shape(x) i = Reshape(n, z) "
        "m = Mul(i, s) y = Add(m, b)", {
            "rows": np.array([0, 2, -1]), "ones": np.ones(2, np.float32), "none": np.zeros(2, np.float32),
            "s": normal(7, 4, 1, 1), "b": normal(8, 4, 1, 1)}, [nn.GroupNorm]),
    "what changes nothing": ("a = Identity(x) c = Transpose <perm = [0, 1, 2, 3]>(a) y = Relu(c)", {},
                             [nn.ReLU]),
    "what nobody reads": ("a = Tanh(x) y = Relu(x)", {}, [nn.ReLU]),
}


@pytest.mark.parametrize("case", CASES)
def test_nodes_become_layers_that_do_the_same(case, path):
    nodes, constants, expected = CASES[case]
    model = write(path, nodes, **constants)
    network = fc.onnx.load(path)
    assert kinds(network) == expected
    assert_as_evaluated(model, network, normal(0, 3, 4, 6, 6))


def test_layers_have_the_names_of_their_parameters_or_of_their_nodes(path):
    write(path, "c = Conv(x, w) r = Relu(c) s = Relu(r) "
                "f = Flatten(s) y = Gemm <transB = 1>(f, ff)", w=W, ff=normal(0, 3, 128))
    model = onnx.load(path)
    for node, name in zip(model.graph.node, ["/conv1/Conv", "/act/Relu", "/act/Relu_1", "last", ""], strict=True):
        node.name = name
    for node, tensor, name in ((model.graph.node[0], 0, "conv1.weight"), (model.graph.node[4], 1, "fc.weight")):
        node.input[1] = model.graph.initializer[tensor].name = name
    path.write_bytes(model.SerializeToString())
    assert list(fc.onnx.load(path).children) == ["conv1", "act", "act_2", "last", "fc"]


@pytest.mark.parametrize(("nodes", "message"), [
    ("y = Sin(x)", 'Sin "y": no layer does this here'),
    ("y = Erf(x)", 'Erf "y": it is supported as a part of GELU only'),
    ("a = Reshape(x, s) y = Relu(a)", 'Reshape "a": no layer does this here'),
    ("y = Transpose <perm = [0, 2, 3, 1]>(x)", 'Transpose "y": no layer does this here'),
    ("y = LayerNormalization <axis = 2>(x, s)", 'LayerNormalization "y": a normalisation of whole images'),
    ("y = Conv(x, x)", 'Conv "y": expected the weight to be a constant'),
    ("y = MaxPool <kernel_shape = [2, 2], dilations = [2, 2]>(x)", 'MaxPool "y": its dilations are not supported'),
    ("y = MaxPool <kernel_shape = [2, 2], pads = [0, 0, 1, 1]>(x)", 'MaxPool "y": padding is supported that is'),
    ("y = AveragePool <kernel_shape = [2, 2], pads = [0, 0, 1, 1], count_include_pad = 1>(x)",
     'AveragePool "y": padding that counts'),
    ("y = Concat <axis = 2>(x, x)", 'Concat "y": axis 1 is supported'),
    ('y = Resize <mode = "linear">(x, , two)', "Resize \"y\": its attribute \"mode\" is 'linear'"),
    ("y = Resize(x, , half)", 'Resize "y": images are made larger by whole factors'),
    ("y = ConvTranspose <pads = [0, 0, 1, 1]>(x, v)", 'ConvTranspose "y": an output is supported that is cut off'),
    ("y, z = MaxPool <kernel_shape = [2, 2]>(x)", 'MaxPool "y": one output is supported, found 2'),
    ("y = Softmax <axis = 1>(x)", 'Softmax "y": the softmax of features'),
    ("y = ReduceMean <axes = [1]>(x)", r'ReduceMean "y": means over the axes 2 and 3 are supported, found \[1\]'),
    ("y = Selu <alpha = 1.0>(x)", 'Selu "y": alpha'),
    ("y = Identity(s)", "its output does not depend on the images"),
])
def test_what_no_layer_does_is_refused_and_its_node_named(nodes, message, path):
    scales = {name: np.array([1, 1, factor, factor], np.float32) for name, factor in (("two", 2), ("half", 1.5))}
    write(path, nodes, s=np.array([0, 2, 2, 6, 6]), v=normal(7, 4, 3, 3, 3), **scales)
    with pytest.raises(UnsupportedError, match=message) as raised:
        fc.onnx.load(path)
    assert str(raised.value).startswith(f"{path}: ")


@pytest.mark.parametrize(("nodes", "message"), [
    ("y = Conv(x, w)", 'Conv "y": expected images that a kernel|Conv "y": .*expected'),
    ("y = Conv <kernel_shape = [5, 5]>(x, v)", r'Conv "y": expected a kernel \(5, 5\)'),
    ("y = Conv <strides = [0, 1]>(x, v)", 'Conv "y": expected positive extents'),
    ("y = MaxPool <kernel_shape = [9, 9]>(x)", r'MaxPool "y": a window \(9, 9\) does not fit'),
    ("f = Flatten(x) y = MatMul(f, m)", 'MatMul "y": expected'),
    ("y = Reshape(x, s)", r'Reshape "y": an array \(.*\) cannot be reshaped to \(0, 7\)'),
])
def test_what_does_not_fit_is_refused_and_its_node_named(nodes, message, path):
    write(path, nodes, w=normal(0, 8, 5, 3, 3), v=W, m=normal(0, 7, 2), s=np.array([0, 7]))
    with pytest.raises(OnnxError, match=message):
        fc.onnx.load(path)


def test_images_of_an_open_size_have_to_be_given_one(path):
    write(path, "y = GlobalAveragePool(x)", ("N", 4, "H", "W"))
    with pytest.raises(OnnxError, match=r"\"x\" is \(None, 4, None, None\): say what images it is given"):
        fc.onnx.load(path)
    assert fc.onnx.load(path, (4, 5, 6)).input_shape == (4, 5, 6)
    with pytest.raises(OnnxError, match="expected image_shape as"):
        fc.onnx.load(path, (3, 5, 6))


@pytest.mark.parametrize("opset", [9, 12])
def test_an_old_opset_is_refused(opset, path):
    write(path, "y = Relu(x)", opset=opset)
    with pytest.raises(UnsupportedError, match=f"opset {opset}: 13 and later"):
        fc.onnx.load(path)


def test_a_model_with_two_inputs_is_refused(path):
    model = write(path, "y = Add(x, z)", z=np.float32(1))
    del model.graph.initializer[:]
    model.graph.input.append(helper.make_tensor_value_info("z", FLOAT, (1,)))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UnsupportedError, match="one input and one output are supported, found 2 and 1"):
        fc.onnx.load(path)
