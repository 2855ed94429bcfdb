"""ONNX files that are damaged, or that somebody made to do harm: refused with the file's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import fastconv as fc
from fastconv.errors import OnnxError
from tests.networks import normal, small_network


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("bad") / "model.onnx"


@pytest.fixture(scope="module")
def sound(path) -> bytes:
    """The bytes of a sound file."""
    fc.onnx.export(small_network(), path, (1, 6, 6))
    return path.read_bytes()


def assert_refused(path: Path, message: str = ": ") -> None:
    with pytest.raises(OnnxError, match=message) as raised:
        fc.onnx.load(path)
    assert str(raised.value).startswith(f"{path}: ")


def assert_refused_or_a_model(path: Path) -> None:
    try:
        fc.onnx.load(path)
    except OnnxError:
        assert_refused(path)




def test_a_file_cut_short_anywhere_is_refused(path, sound):
    for length in [*range(60), *range(60, len(sound), 7), len(sound) - 1]:
        path.write_bytes(sound[:length])
        check = assert_refused if length < len(sound) - 60 else assert_refused_or_a_model  # the end says little
        check(path)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(path, content):
    path.write_bytes(content)
    assert_refused(path)


@settings(max_examples=200)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_file_with_a_wrong_byte_is_refused_or_a_model(path, sound, place, value):
    damaged = bytearray(sound)
    damaged[place % len(sound)] = value
    path.write_bytes(damaged)
    assert_refused_or_a_model(path)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert_refused(tmp_path / "none.onnx", "No such file")
    assert_refused(tmp_path, "cannot be read: Is a directory|Permission denied")


def test_a_missing_initializer_is_refused_and_named(path, sound):
    model = onnx.ModelProto.FromString(sound)
    del model.graph.initializer[0]
    path.write_bytes(model.SerializeToString())
    assert_refused(path, "0.weight")


@pytest.mark.parametrize("dims", [[2**40], [2**62, 4], [2**32, 2**32], [-1], [4, 1, 3, 4]])
def test_an_initializer_whose_shape_its_data_do_not_fill_is_refused(path, sound, dims):
    model = onnx.ModelProto.FromString(sound)
    model.graph.initializer[0].dims[:] = dims
    path.write_bytes(model.SerializeToString())
    assert_refused(path, "0.weight|is no sound ONNX model")


# --- Data in other files ---


def external(path: Path, sound: bytes, **place: str) -> None:
    """The sound model, with its first initializer said to be elsewhere."""
    model = onnx.ModelProto.FromString(sound)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in place.items():
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())


def test_data_beside_the_model_are_read(tmp_path):
    model, path = small_network(), tmp_path / "model.onnx"
    fc.onnx.export(model, path, (1, 6, 6))
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (tmp_path / "weights.bin").is_file()
    x = normal(0, 2, 1, 6, 6)
    np.testing.assert_array_equal(fc.onnx.load(path)(x), model(x))


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "", ".", "folder/../../secret.bin", "link.bin",
                                      "none.bin", "nul\0.bin"])
def test_data_outside_the_folder_of_the_model_are_refused(tmp_path, sound, location):
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(1000))
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    external(folder / "model.onnx", sound, location=location)
    assert_refused(folder / "model.onnx", "expected its data in a file in the model's folder|cannot be read from")


@pytest.mark.parametrize("place", [{"offset": "-4"}, {"offset": "900"}, {"length": "4"}, {"length": "10000000000000"},
                                   {"offset": "x"}, {"offset": "9" * 5000}])
def test_data_that_do_not_fill_the_shape_are_refused(tmp_path, sound, place):
    (tmp_path / "weights.bin").write_bytes(bytes(1000))
    external(tmp_path / "model.onnx", sound, location="weights.bin", **place)
    assert_refused(tmp_path / "model.onnx", "0.weight")


def test_a_model_in_memory_reads_no_files(path, sound):
    external(path, sound, location="weights.bin")
    with pytest.raises(OnnxError, match="only `load` reads such files"):
        fc.onnx.prepare(onnx.ModelProto.FromString(path.read_bytes()))


# --- Arrays that no memory holds ---

HUGE = {"huge": np.array([2**20, 2**20, 4], np.int64), "small": np.ones((1, 1, 1), np.float32),
        "pads": np.array([2**40, 0, 0, 0, 0, 0]), "row": np.ones((2**16, 1), np.float32), "end": np.array(2.0**50),
        "zero": np.array(0.0), "one": np.array(1.0), "scales": np.full(3, 1e9, np.float32)}


@pytest.mark.parametrize("nodes", [
    "c = ConstantOfShape(huge)", "c = Expand(small, huge)", "c = Tile(small, huge)", "c = Pad(small, pads)",
    "t = Transpose(row) c = Mul(row, t) d = Mul(c, c)", "t = Transpose(row) c = MatMul(row, t)",
    "c = Range(zero, end, one)", 'c = Resize <mode = "nearest">(small, , scales)',
    " ".join(f"c{i + 1} = Concat <axis = 0>(c{i}, c{i})" for i in range(30)).replace("c0", "row"),
])
def test_constants_that_would_be_huge_are_refused_before_they_are_made(path, nodes):
    text = f'<ir_version: 8, opset_import: ["" : 17]> g (float[N, 2] x) => (float[N, 2] y) {{ {nodes} y = Relu(x) }}'
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in HUGE.items())
    path.write_bytes(model.SerializeToString())
    assert_refused(path, "elements")


@pytest.mark.parametrize("size", [2**62, 2**63 - 1])
def test_images_that_would_be_huge_are_a_model_or_refused(path, size):
    nodes = [helper.make_node("MaxPool", ["x"], ["m"], kernel_shape=[2**61, 1], strides=[2**60, 1]),
             helper.make_node("Flatten", ["m"], ["y"])]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, size, 1])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", None])])
    path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    assert_refused_or_a_model(path)
