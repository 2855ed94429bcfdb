"""Networks to ONNX files and back: beside ONNX Runtime and PyTorch, and through both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings

import fastconv as fc
from fastconv import models, nn, optim
from fastconv.nn.container import Container
from fastconv.nn.layer import Layer
from fastconv.onnx.writer import write
from fastconv.serialization import LAYERS
from tests.networks import assert_same_bits, normal
from tests.oracles import assert_close
from tests.random_networks import Problem, problems
from tests.twins import to_torch

#: Of the largest output; that of ours in float32 from PyTorch in float64 is below 1e-6.
TOLERANCE = 1e-5

NETWORKS = ("resnet8", "ds_cnn")


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("onnx") / "model.onnx"


def run_elsewhere(path: Path, x: np.ndarray) -> np.ndarray:
    """What ONNX Runtime makes of a batch."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[0]


def export_from_torch(network: Any, x: np.ndarray, path: Path, **options: Any) -> None:
    torch = pytest.importorskip("torch")
    torch.onnx.export(network.float().eval(), (torch.tensor(x),), path, input_names=["x"], **options)


def assert_same_everywhere(model: Layer, x: np.ndarray, path: Path) -> None:
    """Asserts that ONNX Runtime, our backend and what is loaded again make of x what the model makes."""
    expected = model(x)
    fc.onnx.export(model, path, x.shape[1:])
    again = fc.onnx.load(path)
    for actual in (run_elsewhere(path, x), fc.onnx.run_model(onnx.load(path), [x])[0], again(x)):
        assert_close(actual, expected, TOLERANCE)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_ours_gives_the_same_outputs_in_onnx_runtime_and_loaded_again(name, path):
    model = models.MODELS[name]()
    x = normal(0, 5, *model.input_shape)
    assert_same_everywhere(model, x, path)
    assert_same_bits(fc.onnx.load(path).state_dict(), model.state_dict())


@pytest.mark.parametrize("name", [name for name in models.MODELS if name not in NETWORKS])
def test_every_other_network_goes_out_and_comes_back(name, path):
    model = models.MODELS[name]()
    shape = model.input_shape or (1, 28, 28)
    assert_same_everywhere(model, normal(0, 2, *shape), path)
    assert_same_bits(fc.onnx.load(path).state_dict(), model.state_dict())


@pytest.mark.parametrize("options", [
    {"dynamo": False}, {"dynamo": False, "dynamic_axes": {"x": {0: "batch"}}},
    pytest.param({"dynamo": True}, marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_pytorch_gives_the_same_outputs_here(name, options, path):
    pytest.importorskip("onnxscript" if options["dynamo"] else "torch")
    model = models.MODELS[name]()
    x = normal(0, 5, *model.input_shape)
    export_from_torch(to_torch(model), x, path, **options)
    loaded = fc.onnx.load(path)
    assert_close(loaded(x), model(x), TOLERANCE)
    assert_close(loaded(x), run_elsewhere(path, x), TOLERANCE)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_pytorch_goes_out_again(name, path):
    pytest.importorskip("torch")
    model = models.MODELS[name]()
    x = normal(0, 5, *model.input_shape)
    export_from_torch(to_torch(model), x, path, dynamo=False)
    loaded = fc.onnx.load(path)
    assert_same_everywhere(loaded, x, path)


@pytest.mark.parametrize("shape", [(4, 6, 5), (12,)])
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_every_activation_goes_out_and_comes_back_as_the_same_layer(name, shape, path):
    layer = nn.ACTIVATIONS[name](shape[0])
    model = nn.Sequential(layer)
    assert_same_everywhere(model, normal(1, 3, *shape), path)
    (again,) = fc.onnx.load(path).children.values()
    assert type(again) is type(layer)
    assert_same_bits(again.state_dict(), layer.state_dict())


@settings(max_examples=25)
@given(problem=problems())
def test_any_network_gives_the_same_outputs_in_onnx_runtime_and_loaded_again(problem: Problem, path):
    assert_same_everywhere(problem.model, problem.x, path)


def test_a_loaded_network_is_trained_and_saved(path, tmp_path):
    model = models.lenet5()
    fc.onnx.export(model, path, (1, 28, 28))
    x, labels = normal(0, 32, 1, 28, 28), np.arange(32) % 10
    first, second = (fc.Trainer(network, optim.SGD(lr=0.1)) for network in (fc.onnx.load(path), model))
    for _ in range(3):
        assert first.step(x, labels) == second.step(x, labels)
    fc.save(first.model, tmp_path / "model.safetensors")
    np.testing.assert_array_equal(fc.load(tmp_path / "model.safetensors")(x), model(x))


def test_a_batch_of_any_size_fits_a_network_exported_for_one_image(path):
    pytest.importorskip("torch")
    model = models.lenet5()
    export_from_torch(to_torch(model), normal(0, 1, 1, 28, 28), path, dynamo=False)
    x = normal(0, 17, 1, 28, 28)
    assert_close(fc.onnx.load(path)(x), model(x), TOLERANCE)


def test_what_the_images_are_travels_along(path):
    model = models.lenet5(num_classes=2)
    model.set_images([0.25], [0.5], ["cat", "dog"], (1, 28, 28))
    fc.onnx.export(model, path)
    again = fc.onnx.load(path)
    assert (again.classes, again.input_shape) == (("cat", "dog"), (1, 28, 28))
    x = np.random.default_rng(0).integers(0, 256, (3, 1, 28, 28), np.uint8)
    np.testing.assert_array_equal(again(x), model(x))
    assert_close(run_elsewhere(path, ((x / 255 - 0.25) / 0.5).astype(np.float32)), model(x), TOLERANCE)


def test_every_layer_that_can_be_saved_can_be_exported():
    layers = [kind for kind in LAYERS.values() if not issubclass(kind, Container)]
    assert len(layers) > 25
    assert [kind.__name__ for kind in layers if write.dispatch(kind) is write.dispatch(Layer)] == []
