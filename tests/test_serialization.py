"""Model files: what was saved comes back to the last bit, others can read it, and a failure loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from safetensors.numpy import load_file

import fastconv as fc
from fastconv import models, nn
from fastconv.errors import CheckpointError
from fastconv.serialization import from_bytes, to_bytes
from tests.networks import assert_same_bits, normal, pixels, small_network
from tests.random_networks import Problem, problems


class Doubling(nn.Layer):
    """A layer of somebody's own."""


class Conv2d(nn.Conv2d):
    """A layer of somebody's own, under a known name."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def full_disk(monkeypatch):
    """A disk that takes the bytes of a file, and fails to keep them."""
    def fsync(file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


def round_trip(model, path):
    fc.save(model, path)
    return fc.load(path)


# --- Round trips ---


def test_bytes_are_what_a_file_holds(path):
    model = small_network()
    path.write_bytes(to_bytes(model))
    for loaded in (fc.load(path), from_bytes(path.read_bytes())):
        assert repr(loaded) == repr(model)
        assert_same_bits(loaded.state_dict(), model.state_dict())


@pytest.mark.parametrize("content", [b"", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 20])
def test_other_bytes_are_refused_by_the_name_they_are_given(content):
    with pytest.raises(CheckpointError, match="network: "):
        from_bytes(content, "network")


@given(problem=problems())
def test_a_loaded_model_is_the_saved_one(folder: Path, problem: Problem):
    loaded = round_trip(problem.model, folder / "drawn.safetensors")
    assert repr(loaded) == repr(problem.model)
    assert_same_bits(loaded.state_dict(), problem.model.state_dict())
    np.testing.assert_array_equal(loaded(problem.x), problem.model(problem.x))


@pytest.mark.parametrize("name", models.MODELS)
def test_a_known_network_comes_back_with_its_layers(path, name):
    assert repr(round_trip(models.MODELS[name](), path)) == repr(models.MODELS[name]())


def test_a_single_layer_is_saved_without_a_network_around_it(path):
    layer = nn.Linear(3, 2)
    loaded = round_trip(layer, path)
    assert isinstance(loaded, nn.Linear)
    assert_same_bits(loaded.state_dict(), layer.state_dict())


def test_layers_inside_others_come_back_where_they_were(path):
    model = nn.Sequential(nn.Sequential(nn.Conv2d(1, 2, 3, padding="same"), nn.ReLU()), nn.Sequential(nn.Flatten()))
    loaded = round_trip(model, path)
    assert repr(loaded) == repr(model)
    assert loaded.state_dict().keys() == model.state_dict().keys()


def test_what_a_model_knows_of_its_images_comes_back(path):
    model = small_network()
    model.set_images([0.1307], [0.3081], ["null", "eins", "zwö"], (1, 6, 6))
    loaded = round_trip(model, path)
    assert (loaded.mean.tolist(), loaded.std.tolist()) == (model.mean.tolist(), model.std.tolist())
    assert (loaded.classes, loaded.input_shape) == (("null", "eins", "zwö"), (1, 6, 6))


def test_a_loaded_model_normalises_as_the_saved_one_does(path):
    model, images = small_network(), pixels(0, 17, 1, 6, 6)
    model.set_images([0.1307], [0.3081])
    np.testing.assert_array_equal(round_trip(model, path)(images), model(images))


def test_a_model_that_knows_nothing_of_images_comes_back_so(path):
    loaded = round_trip(small_network(), path)
    assert (loaded.mean, loaded.std, loaded.classes, loaded.input_shape) == (None, None, None, None)


def test_values_that_are_not_finite_come_back(path):
    layer = nn.Linear(4, 1)
    layer.load_state_dict({"weight": np.array([[np.nan, np.inf, -np.inf, -0.0]]), "bias": np.array([1e-40])})
    assert round_trip(layer, path).weight.tobytes() == layer.weight.tobytes()


def test_a_model_never_called_is_saved_as_it_would_be_drawn(path):
    assert_same_bits(round_trip(small_network(), path).state_dict(), small_network().state_dict())


def test_a_path_may_be_a_string(path):
    assert_same_bits(round_trip(small_network(), str(path)).state_dict(), small_network().state_dict())


def test_a_loaded_model_no_longer_needs_its_file(path):
    loaded = round_trip(small_network(), path)
    path.unlink()
    np.testing.assert_array_equal(loaded(normal(0, 17, 1, 6, 6)), small_network()(normal(0, 17, 1, 6, 6)))


# --- Other readers ---


def test_safetensors_reads_the_parameters_by_their_names(path):
    model = small_network()
    fc.save(model, path)
    assert_same_bits(load_file(path), model.state_dict())


def test_pytorch_computes_the_same_from_the_file(path):
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file as load_into_torch

    model, x = small_network(), normal(0, 17, 1, 6, 6)
    fc.save(model, path)
    twin = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
                               torch.nn.Linear(16, 3))
    twin.load_state_dict(load_into_torch(path))
    with torch.no_grad():
        np.testing.assert_allclose(twin(torch.tensor(x)).numpy(), model(x), atol=1e-6)


# --- Failures ---


@pytest.mark.parametrize("layer", [Doubling(), Conv2d(1, 2, 3)])
def test_a_layer_of_somebodys_own_is_refused_and_no_file_is_written(tmp_path, layer):
    with pytest.raises(TypeError, match=f"{type(layer).__name__} cannot be saved"):
        fc.save(nn.Sequential(nn.ReLU(), layer), tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "missing" / "model.safetensors"
    with pytest.raises(OSError, match="No such file") as raised:
        fc.save(small_network(), path)
    assert raised.value.filename == str(path)


def test_a_folder_in_place_of_the_file_is_named_and_left_alone(tmp_path):
    path = tmp_path / "model.safetensors"
    path.mkdir()
    with pytest.raises(OSError, match=r"model\.safetensors") as raised:
        fc.save(small_network(), path)
    assert raised.value.filename == str(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(OSError, match=r"file.model\.safetensors"):
        fc.save(small_network(), tmp_path / "file" / "model.safetensors")


def test_a_full_disk_leaves_the_old_file_and_nothing_else(path, request):
    fc.save(small_network(), path)
    before = path.read_bytes()
    request.getfixturevalue("full_disk")
    with pytest.raises(OSError, match=r"No space left on device: '.*model\.safetensors'"):
        fc.save(models.lenet5(), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_full_disk_leaves_no_file_where_there_was_none(path, full_disk):
    with pytest.raises(OSError, match="No space left on device"):
        fc.save(small_network(), path)
    assert list(path.parent.iterdir()) == []


def test_an_interrupt_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    def interrupted(file):
        raise KeyboardInterrupt

    fc.save(small_network(), path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fc.save(models.lenet5(), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_saving_again_replaces_the_file(path):
    fc.save(models.lenet5(), path)
    fc.save(small_network(), path)
    assert repr(fc.load(path)) == repr(small_network())
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(("make", "message"), [
    (lambda path: path, "cannot be read as a model: No such file"),
    (lambda path: path.parent, "is a folder, expected a model in a file")], ids=["missing", "folder"])
def test_a_path_without_a_file_is_no_model(path, make, message):
    with pytest.raises(CheckpointError, match=f"^{make(path)}: {message}"):
        fc.load(make(path))
