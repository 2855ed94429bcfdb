"""What a user who gives something wrong is told: one line that says what was found and what was expected."""

import json

import numpy as np
import pytest

import fastconv as fc

IMAGES = np.zeros((20, 28, 28), np.uint8)
LABELS = np.arange(20, dtype=np.uint8) % 10
UNREADABLE = "cannot be read as a model: it is damaged or cut short, or not a safetensors file"


@pytest.fixture
def array_file(tmp_path):
    """Writes the array to predict."""

    def write(array):
        np.save(tmp_path / "images.npy", array)
        return tmp_path / "images.npy"

    return write


@pytest.fixture
def damaged_model(tmp_path, model_file):
    """Writes a changed copy of the saved network."""

    def write(change):
        path = tmp_path / "damaged.safetensors"
        path.write_bytes(change(model_file.read_bytes()))
        return path

    return write


def refused(result, *messages, status=1):
    """Asserts that a command failed with one line on standard error that contains every message."""
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    lines = [line for line in result.stderr.splitlines() if not line.startswith("Preparing kernels")]
    assert lines[-1].startswith("Error: ")
    assert status == 2 or len(lines) == 1
    for message in messages:
        assert message in lines[-1]


@pytest.mark.parametrize(
    ("array", "messages"),
    [
        pytest.param(np.zeros((3, 28, 28), np.uint8), ["(1, 28, 28)", "(3, 28, 28)"], id="wrong channels"),
        pytest.param(np.zeros((32, 32), np.uint8), ["(1, 28, 28)", "(1, 32, 32)"], id="wrong size"),
        pytest.param(np.zeros((28, 28), np.float64), ["float32", "float64"], id="wrong dtype"),
        pytest.param(np.zeros((28, 28), "U1"), ["float32", "<U1"], id="text"),
        pytest.param(np.array([None]), ["not a readable .npy file"], id="pickled objects"),
        pytest.param(np.zeros((0, 1, 28, 28), np.uint8), ["(0, 1, 28, 28)"], id="empty"),
        pytest.param(np.full((28, 28), np.nan, np.float32), ["NaN"], id="NaN image"),
        pytest.param(np.zeros(784, np.uint8), ["(N, C, H, W)", "(784,)"], id="one dimension"),
    ],
)
def test_arrays_to_predict(run, model_file, array_file, array, messages):
    refused(run("predict", model_file, array_file(array)), "images.npy", *messages)


def test_invert_of_prepared_images(run, model_file, array_file):
    result = run("predict", model_file, array_file(np.zeros((28, 28), np.float32)), "--invert")
    refused(result, "images.npy", "uint8", "float32")


@pytest.mark.parametrize("name", ["image.png", "array.npy"])
@pytest.mark.parametrize("content", [b"", b"no image"], ids=["empty", "text"])
def test_files_to_predict_that_are_no_images(run, model_file, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    refused(run("predict", model_file, tmp_path / name), name, "not a readable")


@pytest.mark.parametrize("name", ["image.png", "array.npy"])
def test_files_to_predict_that_do_not_exist(run, model_file, tmp_path, name):
    refused(run("predict", model_file, tmp_path / name), name, "No such file")


@pytest.mark.parametrize(
    ("images", "labels", "messages"),
    [
        pytest.param(IMAGES[:0], LABELS[:0], ["train-images", "at least 1"], id="empty set"),
        pytest.param(IMAGES, LABELS + 5, ["train-labels", "0 to 9", "14"], id="label out of range"),
        pytest.param(IMAGES, LABELS[:9], ["train-labels", "20", "9"], id="too few labels"),
        pytest.param(IMAGES[:, :4, :4], LABELS, [
            "lenet5 takes images of another size, the images are 1×4×4: name another network with --model, or other "
            "images with --data", 'Conv2d "3"', "(5, 5)", "2, 2)"], id="images too small"),
    ],
)
def test_data_to_train_on(run, tmp_path, write_idx, images, labels, messages):
    folder = write_idx(tmp_path / "data", images, labels)
    refused(run("train", "--data", folder, "--output", tmp_path / "m.safetensors"), *messages)
    assert not (tmp_path / "m.safetensors").exists()
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", [("train",), ("compare", "--optimizers", "adam"), ("search",), ("lr-find",)])
def test_a_network_for_images_of_other_colours(run, digits, tmp_path, command):
    if command == ("search",):
        pytest.importorskip("optuna")
    refused(run(*command, "--data", digits, "--model", "resnet8"), "resnet8 takes images 3×32×32, the images are "
            "1×28×28: name another network with --model, or other images with --data")
    assert not (tmp_path / "runs").exists()


def test_a_network_for_grey_images_of_any_name(run, tmp_path):
    np.savez(tmp_path / "set.npz", images=np.zeros((100, 3, 28, 28), np.uint8), labels=np.tile(LABELS, 5))
    refused(run("train", "--data", tmp_path / "set.npz"), "lenet5 takes images with 1 channel, the images are 3×28×28")


def test_a_truncated_idx_file(run, tmp_path, write_idx):
    folder = write_idx(tmp_path / "data", IMAGES, LABELS)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    refused(run("train", "--data", folder, "--output", tmp_path / "m"), "train-images-idx3-ubyte", "cut short")


def test_a_folder_that_does_not_exist(run, tmp_path):
    refused(run("train", "--data", tmp_path / "none", "--output", tmp_path / "m"), "none", "no such folder")


@pytest.mark.parametrize("command", ["evaluate", "summary"])
@pytest.mark.parametrize(
    ("change", "messages"),
    [
        pytest.param(lambda content: content[:-100], [UNREADABLE], id="truncated in the weights"),
        pytest.param(lambda content: content[:100], [UNREADABLE], id="truncated in the header"),
        pytest.param(lambda content: b"", [UNREADABLE], id="empty"),
        pytest.param(lambda content: b"no model " * 100, [UNREADABLE], id="text"),
        pytest.param(lambda content: content.replace(b"Conv2d", b"Conv9d"), ["unknown layer 'Conv9d'"],
                     id="unknown layer"),
    ],
)
def test_damaged_models(run, damaged_model, command, change, messages):
    refused(run(command, damaged_model(change)), "damaged.safetensors", *messages)


@pytest.mark.parametrize("command", ["evaluate {}", "predict {} x.png", "summary {}", "profile {}", "serve {}",
                                     "cache warm {}"])
def test_a_folder_for_a_model(run, model_file, command):
    folder = model_file.parent / "run"
    refused(run(*command.format(folder).split()), f"{folder}: is a folder, expected a model in a file; the best model "
            f"of this run is {folder / 'best.safetensors'}")
    refused(run(*command.format(folder.parent).split()), f"{folder.parent}: is a folder, expected a model in a file")


def test_a_model_that_does_not_exist(run, tmp_path):
    refused(run("evaluate", tmp_path / "none.safetensors"), "none.safetensors", "No such file")


def test_a_model_for_other_images(run, model_file, tmp_path, write_idx):
    folder = write_idx(tmp_path / "data", IMAGES[:, :20, :20], LABELS)
    for command in ("evaluate", "report"):
        refused(run(command, model_file, "--data", folder), f"{model_file} takes images 1×28×28, the images are "
                "1×20×20: name its images with --data (Linear", "400", "got")


@pytest.fixture
def broken_model(tmp_path, model_file):
    """A network whose last bias is NaN."""
    model = fc.load(model_file)
    state = model.state_dict()
    next(reversed(state.values()))[:] = np.nan
    model.load_state_dict(state)
    fc.save(model, tmp_path / "broken.safetensors")
    return tmp_path / "broken.safetensors"


@pytest.mark.parametrize("command", ["train", "evaluate", "report"])
def test_test_images_that_are_no_numbers(run, model_file, tmp_path, command):
    images = IMAGES[:, None].astype(np.float32)
    spoilt = images.copy()
    spoilt[3, 0, 0, 0] = np.nan
    np.savez(tmp_path / "set.npz", train_images=images, train_labels=LABELS, test_images=spoilt, test_labels=LABELS)
    result = run(command, *([] if command == "train" else [model_file]), "--data", tmp_path / "set.npz")
    refused(result, "set.npz: test_images contains NaN or infinite pixels, first in image 3")


def test_evaluating_a_model_whose_weights_are_no_numbers(run, broken_model, digits):
    refused(run("evaluate", broken_model, "--data", digits), "broken.safetensors: its loss on the test images is nan",
            "smaller --lr")


def test_a_report_about_a_model_whose_weights_are_no_numbers(run, broken_model, digits, tmp_path):
    pytest.importorskip("matplotlib")
    refused(run("report", broken_model, "--data", digits), "its outputs for the test images are not numbers")
    assert not (tmp_path / "report.html").exists()


def test_a_training_whose_last_step_ruins_the_model_is_warned_of(run, digits, tmp_path):
    result = run("train", "--data", digits, "--optimizer", "sgd", "--lr", 1e30, "--schedule", "constant", "--epochs", 1,
                 "--batch-size", 200, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["test"]["loss"] is None
    assert "Warning: the loss on the test images is nan, the model is of no use" in result.stderr


@pytest.mark.parametrize("output", ["missing/m.safetensors", "."], ids=["missing folder", "a folder"])
def test_unwritable_output(run, digits, tmp_path, output):
    refused(run("train", "--data", digits, "--output", tmp_path / output), str(tmp_path))


def test_training_that_diverges_keeps_no_broken_model(run, digits, tmp_path):
    output = tmp_path / "m.safetensors"
    result = run("train", "--data", digits, "--optimizer", "sgd", "--lr", 1e30, "--output", output)
    refused(result, "epoch 1, batch 2 of 2", "the loss became", "smaller learning rate")
    assert not output.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tran"], "No such command 'tran'"),
        (["train", "--epoch", "3"], "No such option"),
        (["train", "--epochs", "0"], "'--epochs'"),
        (["train", "--epochs", "many"], "'--epochs'"),
        (["train", "--batch-size", "-1"], "'--batch-size'"),
        (["train", "--lr", "0"], "'--lr'"),
        (["train", "--threads", "0"], "'--threads'"),
        (["train", "--optimizer", "adagrab"], "'adagrab'"),
        (["train", "--schedule", "cosines"], "'cosines'"),
        (["evaluate"], "'MODEL'"),
        (["predict", "m.safetensors", "x.npy", "--top", "0"], "'--top'"),
        (["summary", "--input", "1"], "'--input'"),
        (["summary", "nope"], "'nope' is neither a file nor one of lenet5, lenet5_classic, "),
        (["profile", "nope"], "'nope' is neither a file nor one of lenet5, lenet5_classic, "),
        (["cache", "warm", "nope"], "'nope' is neither a file nor one of lenet5, lenet5_classic, "),
        (["train", "--lr", "inf"], "inf is not finite"),
        (["train", "--lr", "nan"], "nan is not finite"),
        (["train", "--clip-grad-norm", "inf"], "inf is not finite"),
        (["compare", "--optimizers", "sgd", "--lr", "inf"], "inf is not finite"),
        (["lr-find", "--high", "inf"], "inf is not finite"),
        (["landscape", "--lr", "inf"], "inf is not finite"),
    ],
)
def test_wrong_usage_has_status_2(run, arguments, message):
    refused(run(*arguments), message, status=2)
