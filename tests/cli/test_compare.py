import csv
import json
import sys

import pytest

import fastconv as fc
from tests.cli.test_bad_input import refused
from tests.processes import interrupted

QUICK = ("--epochs", 1, "--batch-size", 50, "--seeds", 2)


def test_a_line_per_run_then_the_table_and_what_it_does_not_say(run, digits):
    result = run("compare", "--optimizers", "adam,sgd", "--data", digits, *QUICK)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    for line, begin in zip(lines, ("1/4  adam, seed 0", "2/4  sgd, seed 0", "3/4  adam, seed 1", "4/4  sgd, seed 1"),
                           strict=False):
        assert line.startswith(f"{begin}  loss ")
        assert "test accuracy" in line
    shown = " ".join(result.stdout.split())
    for text in ("lenet5, constant, 1 epoch, batches of 50, 200 images", "Mean ± standard deviation over 2 seeds",
                 "own default learning rate", "200 test images know an accuracy of"):
        assert text in shown
    assert "\x1b" not in result.stdout


def test_json_is_one_document_on_standard_output_and_the_saved_one(run, digits, tmp_path):
    path = tmp_path / "runs.json"
    result = run("compare", "--activations", "relu,tanh", "--data", digits, *QUICK, "--json", "--save", path)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document == json.loads(path.read_text(encoding="utf-8"))
    assert document["compared"] == "activation"
    assert [(each["name"], each["seed"]) for each in document["runs"]] == [
        ("relu", 0), ("tanh", 0), ("relu", 1), ("tanh", 1)]
    assert "1/4  relu, seed 0" in result.stderr


def test_the_same_command_gives_the_same_numbers_for_any_number_of_threads(run, digits):
    def losses(threads):
        result = run("compare", "--schedules", "constant,one-cycle", "--data", digits, *QUICK, "--threads", threads,
                     "--json")
        return [(each["name"], [epoch["loss"] for epoch in each["epochs"]])
                for each in json.loads(result.stdout)["runs"]]

    assert losses(1) == losses(2) == losses(2)


def test_all_stands_for_every_name(run, digits):
    result = run("compare", "--schedules", "all", "--data", digits, "--epochs", 1, "--seeds", 1, "--json")
    assert [each["name"] for each in json.loads(result.stdout)["runs"]] == list(fc.optim.SCHEDULES)


def test_what_stays_the_same_can_be_chosen(run, digits):
    result = run("compare", "--schedules", "constant", "--optimizer", "sgd", "--activation", "tanh", "--lr", 0.5,
                 "--data", digits, *QUICK, "--json")
    setting = json.loads(result.stdout)["setting"]
    assert (setting["optimizer"], setting["activation"], setting["lr"]) == ("sgd", "tanh", 0.5)


def test_every_run_is_augmented_as_asked_and_the_table_and_the_record_say_so(run, digits, tmp_path, augmentations):
    path, options = tmp_path / "runs.json", ("--optimizers", "adam,sgd", "--data", digits, *QUICK)
    result = run("compare", *options, "--augment", "digits,mixup=0.2", "--save", path)
    assert result.exit_code == 0, result.output
    assert augmentations == [fc.data.parse_augmentation("digits,mixup=0.2")] * 4
    assert "200 images, augment digits,mixup=0.2" in " ".join(result.stdout.split())
    augmented = json.loads(path.read_text(encoding="utf-8"))
    plain = json.loads(run("compare", *options, "--json").stdout)
    assert (augmented["setting"]["augment"], plain["setting"]["augment"]) == ("digits,mixup=0.2", None)
    for one, other in zip(augmented["runs"], plain["runs"], strict=True):
        assert one["epochs"][0]["loss"] != other["epochs"][0]["loss"]


def test_a_diverged_run_is_shown_and_does_not_end_the_others_and_where_all_are_the_status_is_1(run, digits, tmp_path):
    path = tmp_path / "runs.csv"
    result = run("compare", "--optimizers", "sgd,adam", "--lr", 1e30, "--data", digits, *QUICK, "--save", path)
    assert result.exit_code == 1
    assert "Every run diverged: try a smaller --lr, or look for NaN in the images." in result.stderr
    assert "1/4  sgd, seed 0  diverged: epoch 1, batch 2 of 4" in result.stdout
    assert "2 of 2" in result.stdout
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["optimizer"] == "sgd"]
    assert ["the loss became" in row["diverged"] for row in rows] == [True, True]


def test_a_plot_is_a_picture(run, digits, tmp_path):
    pytest.importorskip("matplotlib")
    result = run("compare", "--optimizers", "adam", "--data", digits, *QUICK, "--plot", tmp_path / "curves.png")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "exactly one of --optimizers, --activations and --schedules"),
    (["--optimizers", "adam", "--schedules", "all"], "exactly one of"),
    (["--optimizers", "adam", "--optimizer", "sgd"], "--optimizer and --optimizers exclude each other"),
    (["--optimizers", "adam,adamm"], "'adamm' is not one of"),
    (["--optimizers", ""], "'' is not one of"),
    (["--optimizers", "adam,adam"], "'adam' is given more than once"),
    (["--activations", "relu", "--optimizer", "all"], "'all' is not one of"),
    (["--schedules", "all", "--seeds", "0"], "'--seeds'"),
    (["--schedules", "all", "--save", "runs.txt"], "runs.txt: expected a name that ends in .csv or .json"),
    (["--schedules", "all", "--plot", "curves.txt"], "curves.txt: expected a name that ends in .png, .svg or .pdf"),
])
def test_wrong_usage_has_status_2(run, untrained, arguments, message):
    refused(run("compare", *arguments), message, status=2)


@pytest.mark.parametrize(("option", "name", "message"), [
    ("--save", "missing/runs.csv", "cannot be written"),
    ("--plot", "missing/curves.png", "cannot be written")])
def test_a_file_that_cannot_be_written_is_refused_before_training(run, untrained, digits, tmp_path, option, name,
                                                                 message):
    refused(run("compare", "--optimizers", "adam", "--data", digits, option, tmp_path / name), name, message)


def test_a_plot_without_matplotlib_is_refused_before_training(run, untrained, digits, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused(run("compare", "--optimizers", "adam", "--data", digits, "--plot", tmp_path / "curves.png"),
            "curves.png", 'pip install "fastconv[plots]"')


def test_ctrl_c_shows_and_saves_the_finished_runs(digits, tmp_path):
    path = tmp_path / "runs.json"
    output, errors = interrupted("compare", "--optimizers", "adam", "--seeds", 1000000, "--epochs", 1, "--data", digits,
                                 "--save", path, after="1/1000000  adam, seed 0")
    assert "Interrupted." in errors
    assert "Mean ± standard deviation" in output
    assert json.loads(path.read_text(encoding="utf-8"))["runs"]
