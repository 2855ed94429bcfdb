import json

import numpy as np
import onnx
import pytest
from safetensors.numpy import save_file

import fastconv as fc
from fastconv import models
from tests.networks import assert_same_bits, normal


def test_a_trained_network_becomes_an_onnx_file_and_a_network_again(run, model_file, tmp_path):
    there, back = tmp_path / "lenet5.onnx", tmp_path / "again.safetensors"
    assert run("convert", model_file, there).stdout == f"{there}: 12 layers, 61,706 parameters\n"
    onnx.checker.check_model(str(there))
    assert run("convert", there, back).exit_code == 0
    before, after, x = fc.load(model_file), fc.load(back), normal(0, 3, 1, 28, 28)
    np.testing.assert_array_equal(after(x), before(x))
    assert after.classes == before.classes
    assert run("summary", back).exit_code == 0


def test_a_state_dict_of_pytorch_becomes_the_network_that_is_named(run, tmp_path):
    network = models.resnet8(num_classes=3)
    save_file(network.state_dict(), tmp_path / "torch.safetensors")
    result = run("convert", tmp_path / "torch.safetensors", tmp_path / "resnet8.safetensors", "--model", "resnet8")
    assert result.exit_code == 0, result.output
    assert_same_bits(fc.load(tmp_path / "resnet8.safetensors").state_dict(), network.state_dict())
    run("convert", tmp_path / "torch.safetensors", tmp_path / "resnet8.onnx", "--model", "resnet8")
    assert_same_bits(fc.onnx.load(tmp_path / "resnet8.onnx").state_dict(), network.state_dict())


def test_json_describes_the_network(run, model_file, tmp_path):
    document = json.loads(run("convert", model_file, tmp_path / "m.onnx", "--json").stdout)
    assert (document["parameters"], document["input_shape"], len(document["layers"])) == (61706, [1, 28, 28], 12)


@pytest.mark.parametrize(("source", "target", "options", "message"), [
    ("{model}", "m.pt", (), "expected a file name that ends with .onnx or .safetensors"),
    ("m.pkl", "m.onnx", (), "expected a file name that ends with .onnx or .safetensors"),
    ("none.onnx", "m.safetensors", (), "none.onnx: cannot be read: No such file or directory"),
    ("none.safetensors", "m.onnx", (), "none.safetensors: cannot be read as a model"),
    ("{model}", "m.onnx", ("--model", "vgg"), "expected a model of lenet5, "),
    ("{model}", "m.onnx", ("--model", "resnet8"), "its parameters are not those of resnet8: the state dict"),
    ("none.onnx", "m.safetensors", ("--model", "lenet5"), "it takes no name of a model"),
    ("{model}", "m.onnx", ("--input", 3, 28, 28), 'Conv2d "0": expected (N, 1, H, W)'),
    ("{model}", "no/such/m.onnx", (), "cannot be written: No such file or directory"),
])
def test_what_cannot_be_converted_is_told_in_one_line(run, model_file, tmp_path, monkeypatch, source, target, options,
                                                     message):
    monkeypatch.chdir(tmp_path)
    result = run("convert", source.format(model=model_file), target, *options)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / target).exists()


def test_lenet5_without_an_image_size_asks_for_one(run, tmp_path):
    save_file(models.lenet5().state_dict(), tmp_path / "torch.safetensors")
    arguments = ("convert", tmp_path / "torch.safetensors", tmp_path / "m.onnx", "--model", "lenet5")
    assert "expected image_shape (C, H, W)" in run(*arguments).stderr
    assert run(*arguments, "--input", 1, 28, 28).exit_code == 0
