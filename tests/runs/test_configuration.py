import os
from dataclasses import fields

import pytest

from fastconv.errors import RunError
from fastconv.runs.configuration import Configuration, read_configuration
from fastconv.runs.toml import to_toml

FULL = Configuration("resnet8", "swish", "adam", "cosine", 0.01, 3, 64, {"eps": 1e-7}, "digits,mixup=0.2", 4, "mnist",
                     0.1, 5, "loss", 1.0, True, "m.safetensors")


@pytest.mark.parametrize("configuration", [Configuration(), FULL])
def test_a_configuration_is_read_from_toml_as_it_was(tmp_path, configuration):
    (tmp_path / "run.toml").write_text(to_toml(configuration.to_table()))
    assert read_configuration(tmp_path / "run.toml") == configuration


def test_every_field_is_tried():
    assert all(getattr(FULL, field.name) != field.default for field in fields(FULL))


def test_resolved_nothing_is_open_and_nothing_depends_on_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    found = Configuration(data="images").resolved()
    assert found.lr == 6e-3
    assert found.data == str(tmp_path / "images")
    assert found.output == str(tmp_path / "lenet5.safetensors")
    assert found.resolved() == found
    assert Configuration(data="mnist").resolved().data == "mnist"
    assert os.path.isabs(FULL.resolved().output)


@pytest.mark.parametrize(("text", "message"), [
    ("epoch = 3", "unknown epoch; there are model, "),
    ("epochs = 0", "epochs must be at least 1, got 0"),
    ("epochs = 2.5", "epochs: expected a whole number, got 2.5"),
    ("epochs = true", "epochs: expected a whole number, got True"),
    ("tensorboard = 1", "tensorboard: expected true or false, got 1"),
    ("model = 5", "model: expected text, got 5"),
    ("model = 'lenet6'", "model: expected one of lenet5, .*got 'lenet6'"),
    ("lr = '1'", "lr: expected a number, got '1'"),
    ("lr = -1", "lr must be"),
    ("monitor = 'f1'", "monitor: expected one of loss, .*got 'f1'"),
    ("hold_out = 1.0", "hold_out must be at least 0 and less than 1"),
    ("patience = 0", "patience must be at least 1"),
    ("seed = -1", "seed must be at least 0"),
    ("clip_grad_norm = 0", "clip_grad_norm must be above 0"),
    ("augment = 'faces'", "got 'faces'"),
    ("options = 1", "options: expected a table"),
    ("[options]\neps = 'x'", "options.eps: expected a number, got 'x'"),
    ("[options]\nepsilon = 1", "adamw takes .*not epsilon"),
    ("epochs = ", "not TOML"),
    ("\0", "not TOML"),
])
def test_what_is_wrong_with_a_file_is_told_with_its_name(tmp_path, text, message):
    (tmp_path / "run.toml").write_text(text)
    with pytest.raises(RunError, match=rf"run\.toml: .*{message}"):
        read_configuration(tmp_path / "run.toml")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RunError, match=r"none\.toml: cannot be read: No such file"):
        read_configuration(tmp_path / "none.toml")
