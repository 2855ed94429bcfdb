"""Files that are no model, or that somebody made to do harm: refused with the file's name, whatever they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as to_bytes

import fastconv as fc
from fastconv import nn
from fastconv.errors import CheckpointError
from tests.networks import normal, small_network

LINEAR = {"type": "Linear", "in_features": 2, "out_features": 2}
CONV = {"type": "Conv2d", "in_channels": 2, "out_channels": 2, "kernel_size": 1}
KNOWN = {"mean": [0.5], "std": [0.25], "classes": ["a", "b"], "input_shape": [1, 1, 2]}
STATE = nn.Linear(2, 2).state_dict()

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["Sequential", "Linear", "Conv2d", "MaxPool2d", "ReLU", 10**6, 10**30]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(
        st.sampled_from(["type", "layers", "in_features", "out_features", "kernel_size", "self", "x"]), values,
        max_size=4),
    max_leaves=8)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models") / "model.safetensors"


@pytest.fixture(scope="module")
def saved(path) -> bytes:
    """The bytes of a sound file."""
    model = small_network()
    model.set_images([0.5], [0.25], ["a", "b", "c"], (1, 6, 6))
    fc.save(model, path)
    return path.read_bytes()


def write(path: Path, model: Any, state=STATE, **metadata: str) -> None:
    """A file with a header of one's own; `model` is written as JSON unless it is text already."""
    text = model if isinstance(model, str) else json.dumps(model)
    path.write_bytes(to_bytes(state, {"format": "fastconv 1", "model": text, **metadata}))


def assert_refused(path: Path, message: str = ": ") -> None:
    with pytest.raises(CheckpointError, match=message) as raised:
        fc.load(path)
    assert str(raised.value).startswith(f"{path}: ")


def assert_refused_or_a_model(path: Path) -> None:
    """Asserts that loading raises CheckpointError, or makes a model that can be printed and saved again."""
    try:
        model = fc.load(path)
    except CheckpointError:
        assert_refused(path)
    else:
        fc.save(model, path)
        assert repr(fc.load(path)) == repr(model)


# --- Damage ---


def test_a_file_cut_short_anywhere_is_refused(path, saved):
    for length in range(len(saved)):
        path.write_bytes(saved[:length])
        assert_refused(path)


def test_a_file_with_bytes_after_its_end_is_refused(path, saved):
    path.write_bytes(saved + b"\0")
    assert_refused(path)


@given(data=st.data())
def test_a_file_with_any_byte_changed_is_refused_or_a_model(path, saved, data):
    content = bytearray(saved)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(saved) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    assert_refused_or_a_model(path)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(path, content):
    path.write_bytes(content)
    assert_refused(path)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "BOOL", "I64", "C64"])
def test_parameters_of_other_types_are_refused(path, saved, dtype):
    length = int.from_bytes(saved[:8], "little")
    header = json.loads(saved[8:8 + length])
    size, end = {"BF16": 2, "I64": 8, "C64": 8}.get(dtype, 1), 0
    for name in sorted(header.keys() - {"__metadata__"}):
        start, end = end, end + size * int(np.prod(header[name]["shape"]))
        header[name] |= {"dtype": dtype, "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    assert_refused(path)


# --- Descriptions ---


@pytest.mark.parametrize("layer", [
    {"type": "Evil"}, {"type": "system"}, {"type": "Layer"}, {"type": "__class__"}, {"type": None}, {"type": {}},
    {"type": ["Linear"]}, {}, [], [LINEAR], None, 5, "Linear", True,
    {"type": "Sequential"}, {"type": "Sequential", "layers": 5}, {"type": "Sequential", "layers": None},
    {"type": "Sequential", "layers": "Linear"}, {"type": "Sequential", "layers": [5]},
    {"type": "Sequential", "layers": {"0": LINEAR}}, {"type": "Sequential", "layers": [LINEAR, None]},
    {"type": "Sequential", "layers": []},
    {"type": "Linear"}, {**LINEAR, "in_features": None}, {**LINEAR, "in_features": "2"}, {**LINEAR, "in_features": 2.0},
    {**LINEAR, "in_features": [2, 2]}, {**LINEAR, "in_features": -2}, {**LINEAR, "in_features": 3},
    {**LINEAR, "bias": False}, {**LINEAR, "evil": 1}, {**LINEAR, "self": 1},
    {**LINEAR, "out_features": 10**9}, {**LINEAR, "out_features": 10**12}, {**LINEAR, "out_features": 10**30},
    {**LINEAR, "in_features": 2**32, "out_features": 2**32}, {**LINEAR, "in_features": 2**31, "out_features": 2**33},
    {"type": "Sequential", "layers": [{**LINEAR, "out_features": 10**9}] * 1000},
    CONV, {**CONV, "kernel_size": [1, [1, 2]]}, {**CONV, "groups": 0}, {**CONV, "groups": 2.0},
    {**CONV, "padding": "huge"}, {**CONV, "padding": -1}, {**CONV, "kernel_size": 10**9, "padding": "same"},
])
def test_a_layer_that_is_none_or_does_not_fit_the_parameters_is_refused(path, layer):
    write(path, {"layer": layer, **KNOWN})
    assert_refused(path, "does not describe a model")


@pytest.mark.parametrize("layer", [
    {"type": "ReLU", "operator": "sigmoid"}, {"type": "Flatten", "start_dim": 2}, {"type": "Softmax", "x": 1},
    {"type": "Sequential", "layers": [], "evil": 1},
])
def test_an_argument_the_layer_does_not_have_is_refused(path, layer):
    write(path, {"layer": layer, **KNOWN}, {})
    assert_refused(path, "does not describe a model")


@pytest.mark.parametrize("known", [
    {"mean": [np.nan]}, {"mean": [np.inf]}, {"std": [np.nan]}, {"std": [0.0]}, {"std": [-1.0]}, {"std": [1e-50]},
    {"std": None}, {"std": []}, {"mean": []}, {"mean": [], "std": []}, {"mean": [0.5, 0.5]}, {"mean": 0.5, "std": 0.25},
    {"mean": "0.5"}, {"mean": {"0": 0.5}}, {"mean": [[0.5]], "std": [[0.25]]},
    {"classes": 5}, {"classes": True},
    {"input_shape": 5}, {"input_shape": [1, 6]}, {"input_shape": [1, 6, 0]}, {"input_shape": [1, 6, "6"]},
    {"input_shape": [1, 6, 6.5]}, {"input_shape": [1, 6, None]}, {"input_shape": "166"},
])
def test_images_that_cannot_be_are_refused(path, known):
    write(path, {"layer": LINEAR, **KNOWN, **known})
    assert_refused(path, "does not describe a model")


@pytest.mark.parametrize("key", ["layer", *KNOWN])
def test_a_description_without_one_of_its_parts_is_refused_and_the_part_named(path, key):
    write(path, {name: value for name, value in {"layer": LINEAR, **KNOWN}.items() if name != key})
    assert_refused(path, f"'{key}' is missing")


@pytest.mark.parametrize("text", [
    "", "{", "not JSON", "NaN", "null", "[]", "5", '"text"', "\x00", "1" * 5000, "[" * 100_000 + "]" * 100_000,
    '{"layer":' + '{"type":"Sequential","layers":[' * 5000 + "]}" * 5000 + "}", " " * 1_000_001,
], ids=lambda text: text[:12])
def test_a_description_that_is_no_object_is_refused(path, text):
    write(path, text)
    assert_refused(path, "does not describe a model")


@given(layer=anything)
def test_any_description_is_refused_or_a_model(path, layer):
    write(path, {"layer": layer, **KNOWN})
    assert_refused_or_a_model(path)


@pytest.mark.parametrize("depth", [1, 50, 400, 10_000])
def test_layers_nested_at_any_depth_are_refused_or_a_model(path, depth):
    nested = '{"type":"Sequential","layers":[' * depth + "]}" * depth
    write(path, f'{{"layer":{nested},"mean":null}}', {})
    assert_refused_or_a_model(path)


@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt"}, {"format": "fastconv 2"}, {"model": "{}"}])
def test_a_file_of_another_format_is_refused_and_both_formats_named(path, metadata):
    path.write_bytes(to_bytes(STATE, metadata))
    assert_refused(path, r"expected a model saved by fastconv \(format 'fastconv 1'\), found format")


def test_a_file_that_names_its_format_and_no_model_is_refused(path):
    path.write_bytes(to_bytes(STATE, {"format": "fastconv 1"}))
    assert_refused(path, "'model' is missing")


@pytest.mark.parametrize(("state", "message"), [
    ({}, r"missing \['bias', 'weight'\]"),
    ({"weight": STATE["weight"]}, r"missing \['bias'\], unknown \[\]"),
    ({**STATE, "extra": STATE["bias"]}, r"missing \[\], unknown \['extra'\]"),
    ({**STATE, "weight": normal(0, 2, 3)}, r"weight: expected shape \(2, 2\), got \(2, 3\)"),
    ({**STATE, "bias": np.zeros(2, np.int32)}, "bias: expected floating-point values, got int32"),
])
def test_parameters_that_do_not_fit_the_layers_are_refused(path, state, message):
    write(path, {"layer": LINEAR, **KNOWN}, state)
    assert_refused(path, message)
