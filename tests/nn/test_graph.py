"""Graphs and residual blocks: names, values with several readers, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv as fc
from fastconv import nn
from fastconv.errors import ShapeError
from tests.expected import in_float64, outputs
from tests.networks import BATCH_SIZES, assert_same_bits, normal
from tests.oracles import assert_close
from tests.twins import value_and_grad_of_torch

TOLERANCE = 1e-5  # some hundred roundings of float32


def diamond() -> nn.Graph:
    """Two ways from one convolution to a sum, one of them past everything."""
    return nn.Graph([
        ("start", nn.Conv2d(1, 3, 3), "input"), ("left", nn.ReLU(), "start"), ("right", nn.Tanh(), "start"),
        ("again", nn.Conv2d(3, 3, 1), "left"), ("sum", nn.Add(), ("again", "right", "start", "left")),
        ("pool", nn.MaxPool2d(2), "sum"), ("flat", nn.Flatten(), "pool"), ("fc", nn.Linear(12, 3), "flat")])


def chain(*layers: nn.Layer) -> nn.Graph:
    names = ["input", *(f"node{i}" for i in range(len(layers)))]
    return nn.Graph([(names[i + 1], layer, names[i]) for i, layer in enumerate(layers)])


@pytest.mark.parametrize("batch", [size for size in BATCH_SIZES if size > 0])
def test_a_graph_computes_what_its_nodes_say(batch):
    model, x = diamond(), normal(0, batch, 1, 6, 6)
    assert_close(model(x), outputs(model, in_float64(model.state_dict()), x.astype(np.float64)), TOLERANCE)


@pytest.mark.parametrize("batch", [1, 17])
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.GELU, nn.PReLU], ids=lambda make: make.__name__)
def test_gradients_of_all_readers_are_summed(batch, activation):
    """Every place an activation can have beside a value that is needed elsewhere."""
    pytest.importorskip("torch")
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.Residual(activation()), activation(), nn.Residual(nn.Conv2d(3, 3, 1), activation()),
        nn.Residual(nn.Sequential(nn.Conv2d(3, 3, 1), activation()), nn.MaxPool2d(1)), activation(),
        nn.Residual(nn.Sequential(activation(), nn.Softplus(), nn.AvgPool2d(1))), nn.MaxPool2d(2), nn.Flatten(),
        nn.Residual(nn.Sequential(nn.Linear(12, 12), activation())), nn.Linear(12, 3))
    x, labels = normal(5, batch, 1, 6, 6), np.arange(batch) % 3
    _, expected = value_and_grad_of_torch(model, nn.CrossEntropyLoss(), x, labels)
    _, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    for name, grad in expected.items():
        assert_close(grads[name], grad, 3 * TOLERANCE)


@pytest.mark.parametrize("second", [nn.Softplus(), nn.Sigmoid(), nn.ELU(-1.0)], ids=repr)
def test_what_follows_a_relu_leaves_its_gradient_alone(second):
    pytest.importorskip("torch")
    model, x, targets = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), second), normal(0, 17, 5), normal(1, 17, 4)
    _, expected = value_and_grad_of_torch(model, nn.MSELoss(), x, targets)
    _, grads = fc.value_and_grad(model, nn.MSELoss(), x, targets)
    for name, grad in expected.items():
        assert_close(grads[name], grad, TOLERANCE)


def test_a_graph_in_line_is_a_sequential():
    layers = nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3)
    graph, sequential, x = chain(*layers), nn.Sequential(*layers), normal(0, 17, 1, 6, 6)
    np.testing.assert_array_equal(graph(x), sequential(x))


def test_names_are_those_of_the_nodes_and_what_is_inside():
    block = nn.Residual(nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), nn.ReLU()), nn.Conv2d(2, 2, 1))
    model = nn.Graph([("layer1.0", block, "input"), ("fc", nn.Linear(8, 1), "layer1.0")])
    assert list(model.state_dict()) == [
        "layer1.0.body.0.weight", "layer1.0.shortcut.weight", "layer1.0.shortcut.bias", "fc.weight", "fc.bias"]


def test_any_node_can_be_the_output():
    x = normal(0, 17, 3)
    model = nn.Graph([("a", nn.ReLU(), "input"), ("b", nn.Add(), ("a", "input"))], output="a")
    np.testing.assert_array_equal(model(x), np.maximum(x, 0))
    np.testing.assert_array_equal(nn.Graph([])(x), x)


def test_a_value_may_be_read_twice_by_one_node():
    x = normal(0, 17, 3)
    np.testing.assert_array_equal(nn.Graph([("twice", nn.Add(), ("input", "input"))])(x), 2 * x)


def test_features_of_images_add_to_those_of_a_linear_layer():
    x = normal(0, 17, 2, 3, 5)
    model = nn.Graph([("flat", nn.Flatten(), "input"), ("fc", nn.Linear(30, 30), "flat"),
                      ("sum", nn.Add(), ("flat", "fc"))])
    state, flat = model.state_dict(), x.reshape(17, 30)
    assert_close(model(x), flat + flat @ state["fc.weight"].T + state["fc.bias"], TOLERANCE)


def test_a_loaded_graph_is_the_saved_one(tmp_path):
    model, x = nn.Sequential(nn.Residual(nn.ReLU(), nn.Conv2d(1, 1, 1)), diamond()), normal(0, 17, 1, 6, 6)
    fc.save(model, tmp_path / "model.safetensors")
    loaded = fc.load(tmp_path / "model.safetensors")
    assert repr(loaded) == repr(model)
    assert_same_bits(loaded.state_dict(), model.state_dict())
    np.testing.assert_array_equal(loaded(x), model(x))


@pytest.mark.parametrize(("nodes", "message"), [
    ([("a", nn.ReLU(), "b"), ("b", nn.ReLU(), "a")], "'a' has to read earlier nodes or 'input', got"),
    ([("a", nn.ReLU(), ())], "'a' has to read earlier nodes or 'input'"),
    ([("a", nn.ReLU(), "input"), ("a", nn.Tanh(), "input")], "each node needs a name of its own, got 'a'"),
    ([("input", nn.ReLU(), "input")], "each node needs a name of its own, got 'input'"),
])
def test_nodes_that_make_no_graph_are_refused(nodes, message):
    with pytest.raises(ValueError, match=message):
        nn.Graph(nodes)


def test_an_output_that_is_no_node_is_refused():
    with pytest.raises(ValueError, match="no node is called 'b'"):
        nn.Graph([("a", nn.ReLU(), "input")], output="b")


def test_inputs_of_different_shapes_do_not_add():
    model = nn.Sequential(nn.Conv2d(2, 2, 1), nn.Residual(nn.Conv2d(2, 2, 3)))
    with pytest.raises(ShapeError, match=r'^Add "1.add": expected inputs of one shape, got \(5, 2, 4, 4\), \(5, 2, 6'):
        model(normal(0, 5, 2, 6, 6))


@pytest.mark.parametrize("batch", [1, 17])
@pytest.mark.parametrize("order", [("body", "gate"), ("gate", "body")])
@pytest.mark.parametrize("kind", ["whole", "channels", "itself"])
def test_products_and_their_gradients_are_those_of_pytorch(kind, order, batch):
    pytest.importorskip("torch")
    gates = {"whole": nn.Conv2d(1, 3, 3), "channels": nn.Sequential(nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1)),
             "itself": nn.Sequential()}
    reads = ("body", "body") if kind == "itself" else order
    model = nn.Graph([("body", nn.Conv2d(1, 3, 3), "input"), ("gate", gates[kind], "input"),
                      ("product", nn.Multiply(), reads), ("act", nn.ReLU(), "product"),
                      ("again", nn.Multiply(), ("act", "body")), ("flat", nn.Flatten(), "again"),
                      ("fc", nn.Linear(48, 3), "flat")])
    x, labels = normal(5, batch, 1, 6, 6), np.arange(batch) % 3
    assert_close(model(x), outputs(model, in_float64(model.state_dict()), x.astype(np.float64)), TOLERANCE)
    _, expected = value_and_grad_of_torch(model, nn.CrossEntropyLoss(), x, labels)
    _, grads = fc.value_and_grad(model, nn.CrossEntropyLoss(), x, labels)
    for name, grad in expected.items():
        assert_close(grads[name], grad, 3 * TOLERANCE)


def test_features_are_multiplied_by_those_of_an_image():
    x = normal(0, 17, 2, 3, 5)
    model = nn.Graph([("flat", nn.Flatten(), "input"), ("fc", nn.Linear(30, 30), "flat"),
                      ("product", nn.Multiply(), ("flat", "fc"))])
    state, flat = model.state_dict(), x.reshape(17, 30)
    assert_close(model(x), flat * (flat @ state["fc.weight"].T + state["fc.bias"]), TOLERANCE)


@pytest.mark.parametrize(("nodes", "found"), [
    ([("a", nn.MaxPool2d(2), "input"), ("b", nn.Multiply(), ("input", "a"))], r"\(5, 2, 6, 6\), \(5, 2, 3, 3\)"),
    ([("a", nn.AdaptiveAvgPool2d(1), "input"), ("b", nn.Conv2d(2, 3, 1), "a"), ("c", nn.Multiply(), ("input", "b"))],
     r"\(5, 2, 6, 6\), \(5, 3, 1, 1\)"),
    ([("a", nn.Multiply(), ("input", "input", "input"))], r"\(5, 2, 6, 6\), \(5, 2, 6, 6\), \(5, 2, 6, 6\)"),
])
def test_inputs_that_do_not_fit_together_do_not_multiply(nodes, found):
    message = r"expected two inputs of one shape, or one of them \(N, C, 1, 1\), got "
    with pytest.raises(ShapeError, match=message + found):
        nn.Graph(nodes)(normal(0, 5, 2, 6, 6))


def test_a_layer_may_not_appear_twice():
    layer = nn.Conv2d(1, 1, 1)
    with pytest.raises(ValueError, match="a layer appears twice"):
        nn.Residual(layer, layer)
