import json

import numpy as np
import pytest

import fastconv as fc
from fastconv.data import download
from fastconv.data.sources import SETS


@pytest.fixture
def cached(tmp_path, monkeypatch, digits):
    """A cache that holds the digits as "mnist", under the names of its files."""
    monkeypatch.setenv("FASTCONV_CACHE", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    for path in digits.iterdir():
        (tmp_path / "mnist" / f"{path.name}.gz").write_bytes(path.read_bytes())
    return tmp_path / "mnist"


def test_what_is_there_is_not_downloaded_again_and_trains_by_its_name(run, cached, tmp_path):
    result = run("data", "fetch", "mnist")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"mnist is in {cached}\n"
    assert json.loads(run("data", "fetch", "mnist", "--json").stdout) == {"name": "mnist", "folder": str(cached)}
    result = run("train", "--data", "mnist", "--epochs", 1, "--output", tmp_path / "m.safetensors")
    assert result.exit_code == 0, result.output


def test_training_and_evaluation_take_an_archive(run, tmp_path, digits):
    train, test = fc.data.load(digits)
    path, model = tmp_path / "digits.npz", tmp_path / "m.safetensors"
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    result = run("train", "--data", path, "--epochs", 1, "--output", model)
    assert result.exit_code == 0, result.output
    result = run("evaluate", model, "--data", path)
    assert result.exit_code == 0, result.output
    assert "200 images" in result.stdout


def test_what_data_may_be_is_told_where_it_is_none(run, tmp_path):
    result = run("train", "--data", tmp_path, "--output", tmp_path / "m.safetensors")
    assert result.exit_code == 1
    for part in ("train-images-idx3-ubyte", "data_batch_1.bin", "train_images.npy", ".npz", "found an empty folder"):
        assert part in result.stderr


def test_without_a_network_one_line_says_so(run, tmp_path, monkeypatch):
    def unreachable(*_, **__):
        raise download.URLError("Name or service not known")

    monkeypatch.setattr(download, "urlopen", unreachable)
    result = run("data", "fetch", "kmnist", "--folder", tmp_path)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    for part in ("Error: train-images-idx3-ubyte.gz cannot be downloaded", "Name or service not known", "online?"):
        assert part in result.stderr


def test_the_names_known_are_told(run):
    result = run("data", "fetch", "imagenet")
    assert result.exit_code == 2
    assert f"'imagenet' is not one of {', '.join(SETS)}" in result.stderr
