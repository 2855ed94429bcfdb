"""Inference by NumPy beside the engine's, and in processes that have no Numba."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings

import fastconv as fc
from fastconv import infer, nn
from fastconv.errors import CheckpointError, DtypeError, ShapeError
from fastconv.infer.model import Model, is_computed
from fastconv.models import MODELS
from fastconv.nn.container import Container
from fastconv.serialization import LAYERS
from tests.networks import normal, pixels, small_network
from tests.random_networks import Problem, problems

#: Refuses the modules that an installation without them lacks.
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numba", "llvmlite", "click", "rich"):
            raise ModuleNotFoundError(f"no module named {name}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def assert_close(actual, expected):
    """Within 1e-5 of the largest output."""
    assert actual.dtype == np.float32
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5 * max(1.0, np.abs(expected).max(initial=0)))


@given(problems())
@settings(max_examples=60)
def test_any_network_makes_what_the_engine_makes(problem: Problem):
    assert_close(Model(problem.model)(problem.x), problem.model(problem.x))


@pytest.mark.parametrize("name", MODELS)
def test_every_network_to_begin_with_makes_what_the_engine_makes(name, tmp_path):
    model = MODELS[name]()
    shape = model.input_shape or (1, 28, 28)
    model.set_images([0.3] * shape[0], [0.2] * shape[0], None, shape)
    model.load_state_dict({key: array + 0.5 if key.endswith("running_var") else array
                           for key, array in model.state_dict().items()})
    fc.save(model, tmp_path / "model.safetensors")
    x = pixels(0, 17, *shape)
    assert_close(infer.load(tmp_path / "model.safetensors")(x), model(x))


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_that_can_be_saved_is_computed(name):
    assert issubclass(LAYERS[name], Container) or is_computed(object.__new__(LAYERS[name]))


def test_depthwise_and_dilated_and_grouped_convolutions_make_what_the_engine_makes():
    model = nn.Sequential(nn.Conv2d(6, 6, 3, padding=(2, 1), groups=6, dilation=2), nn.Conv2d(6, 12, 3, 2, 1, groups=3),
                          nn.Conv2d(12, 4, 1), nn.Conv2d(4, 8, 1, stride=2), nn.Conv2d(8, 16, (3, 1), groups=8))
    x = normal(0, 33, 6, 15, 13)
    assert_close(Model(model)(x), model(x))


def test_a_batch_of_many_chunks_makes_what_its_images_make():
    model = Model(fc.models.lenet5())
    x = pixels(0, 500, 1, 28, 28)
    assert_close(model(x), np.concatenate([model(each[None]) for each in x]))


def test_no_image_makes_no_output():
    assert Model(small_network())(np.empty((0, 1, 6, 6), np.float32)).shape == (0, 3)


def test_weights_that_were_never_drawn_are_those_the_engine_draws():
    assert_close(Model(small_network())(normal(0, 4, 1, 6, 6)), small_network()(normal(0, 4, 1, 6, 6)))


def test_what_images_are_like_is_kept(tmp_path):
    network = small_network()
    network.set_images([0.5], [0.25], ["a", "b", "c"], (1, 6, 6))
    fc.save(network, tmp_path / "model.safetensors")
    model = infer.load(tmp_path / "model.safetensors")
    assert (model.classes, model.input_shape) == (("a", "b", "c"), (1, 6, 6))
    assert (model.mean, model.std) == (0.5, 0.25)
    assert model.output_shape((7, 1, 6, 6)) == (7, 3)


@pytest.mark.parametrize(("x", "error", "message"), [
    (np.zeros((1, 1, 6, 6)), DtypeError, "float64"),
    (np.zeros((1, 6, 6), np.float32), ShapeError, r"x\[None\]"),
    (np.zeros((1, 2, 6, 6), np.float32), ShapeError, r'Conv2d "0": expected \(N, 1, H, W\), got \(1, 2, 6, 6\)'),
])
def test_images_that_do_not_fit_are_refused_as_the_engine_refuses_them(x, error, message):
    for model in (Model(small_network()), small_network()):
        with pytest.raises(error, match=message):
            model(x)


def test_a_layer_that_numpy_lacks_is_an_error_that_names_it():
    class Strange(nn.Layer):
        pass

    with pytest.raises(TypeError, match='Strange "1" cannot be computed by NumPy'):
        Model(nn.Sequential(nn.ReLU(), Strange()))


def test_a_layer_of_ones_own_is_computed_once_it_is_registered():
    class Twice(nn.Layer):
        pass

    infer.compute.register(Twice, lambda layer, x: 2 * x)
    np.testing.assert_array_equal(Model(Twice())(np.ones((1, 2), np.float32)), [[2, 2]])


def test_what_is_no_model_is_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(CheckpointError):
        infer.load(tmp_path / "model.safetensors")


def test_a_saved_network_is_run_where_neither_numba_nor_the_command_line_can_be_imported(tmp_path):
    model, x = fc.models.resnet8(), pixels(0, 5, 3, 32, 32)
    fc.save(model, tmp_path / "model.safetensors")
    np.save(tmp_path / "x.npy", x)
    program = (f"{BLOCKED}import numpy as np, fastconv as fc\n"
               "np.save('y.npy', fc.infer.load('model.safetensors')(np.load('x.npy')))\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, capture_output=True)
    assert_close(np.load(tmp_path / "y.npy"), model(x))
