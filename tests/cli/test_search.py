import json

import pytest

import fastconv as fc
from tests.cli.test_bad_input import refused
from tests.processes import interrupted

pytest.importorskip("optuna")

QUICK = ("--epochs", 1, "--batch-size", 50)


def test_a_line_per_trial_then_the_best_and_its_test_accuracy(run, digits):
    result = run("search", "--trials", 3, "--data", digits, *QUICK)
    assert result.exit_code == 0, result.output
    for line, number in zip(result.stdout.splitlines(), (1, 2, 3), strict=False):
        assert line.startswith(f"adamw {number}/3  lr ")
        assert "weight_decay" in line
        assert "held-out accuracy" in line
    shown = " ".join(result.stdout.split())
    for text in ("lenet5, adamw, constant, 1 epoch", "3 of 3 trials finished: 3 complete", "held-out images know",
                 "The best setting, trained on all 200 images: test accuracy"):
        assert text in shown


def test_a_search_is_continued_with_the_numbers_of_one_that_was_not_interrupted(run, digits, tmp_path):
    def trials(count, *more):
        result = run("search", "--trials", count, "--data", digits, *QUICK, "--json", *more)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["adamw"]

    path = tmp_path / "study.db"
    begun = trials(2, "--storage", path)
    continued, whole = trials(4, "--storage", path), trials(4)
    assert begun["trials"] == whole["trials"][:2]
    assert continued == whole
    assert trials(4, "--storage", path) == whole


def test_a_grid_of_two_optimizers_is_drawn(run, digits, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "heat.png"
    result = run("search", "--optimizers", "adam,adamw", "--grid", 2, "--data", digits, *QUICK, "--json",
                 "--plot", path)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert {name: len(each["trials"]) for name, each in document.items()} == {"adam": 4, "adamw": 4}
    assert path.read_bytes().startswith(b"\x89PNG")


def test_every_training_is_augmented_as_asked_and_the_table_and_the_document_say_so(run, digits, augmentations):
    options = ("--trials", 2, "--data", digits, "--augment", "shift=2,scale=0.9:1.1", *QUICK)
    shown = run("search", *options)
    assert shown.exit_code == 0, shown.output
    assert augmentations == [fc.data.parse_augmentation("shift=2,scale=0.9:1.1")] * 3  # the trials, and the best again
    assert "1 epoch, augment shift=2,scale=0.9:1.1" in " ".join(shown.stdout.split())
    found = json.loads(run("search", *options, "--json").stdout)["adamw"]
    assert found["setting"]["augment"] == found["final"]["setting"]["augment"] == "shift=2,scale=0.9:1.1"


def test_ranges_are_chosen(run, digits):
    result = run("search", "--optimizer", "momentum", "--range", "momentum=0.5:0.9", "--range", "batch_size=20:100",
                 "--trials", 2, "--data", digits, "--epochs", 1, "--json")
    for trial in json.loads(result.stdout)["momentum"]["trials"]:
        assert 0.5 <= trial["parameters"]["momentum"] <= 0.9
        assert trial["parameters"]["batch_size"] in range(20, 101)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--optimizer", "adamm"], "'adamm' is not one of"),
    (["--range", "lr=0:1"], "lr: expected 0 < LOW < HIGH"),
    (["--range", "lr"], "expected NAME=LOW:HIGH"),
    (["--range", "lr=1e-3:1", "--range", "lr=1e-4:1"], "lr: more than one range"),
    (["--trials", "5", "--grid", "3"], "--trials and --grid exclude each other"),
    (["--grid", "1"], "'--grid'"),
    (["--range", "momentum=0.5:0.9"], "not momentum"),
    (["--storage", "study.txt"], "study.txt: expected a name that ends in .db, .sqlite or .journal"),
    (["--grid", "2", "--plot", "heat.txt"], "heat.txt: expected a name that ends in .png, .svg or .pdf"),
    (["--plot", "heat.png"], "a heat map needs a grid over two ranges"),
    (["--grid", "2", "--range", "lr=1e-3:1", "--plot", "heat.png"], "a heat map needs a grid over two ranges"),
])
def test_wrong_usage_has_status_2(run, untrained, arguments, message):
    refused(run("search", *arguments), message, status=2)


@pytest.mark.parametrize(("arguments", "messages"), [
    (["--storage", "missing/study.db"], ["missing", "cannot be written"]),
    (["--grid", "2", "--plot", "missing/heat.png"], ["missing", "cannot be written"]),
])
def test_what_cannot_work_is_refused_before_training(run, untrained, digits, tmp_path, monkeypatch, arguments,
                                                     messages):
    monkeypatch.chdir(tmp_path)
    refused(run("search", "--data", digits, *arguments), *messages)


@pytest.mark.parametrize(("change", "message"), [
    (("--epochs", 2), "epochs 1, not 2"), (("--augment", "digits"), "augment shift=1, not digits"),
    (("--augment", "shift=1.5"), "augment shift=1, not shift=1.5")])
def test_another_searchs_storage_is_refused(run, digits, tmp_path, change, message):
    options = ("--trials", 1, "--data", digits, "--storage", tmp_path / "study.db", "--augment", "shift=1", *QUICK)
    assert run("search", *options).exit_code == 0
    refused(run("search", *options, *change), "study.db", message)


def test_without_optuna_the_extra_to_install_is_named(run, untrained, digits, monkeypatch):
    monkeypatch.setattr("fastconv.experiments.search.find_spec", lambda name: None)
    refused(run("search", "--data", digits), 'pip install "fastconv[search]"')


def test_ctrl_c_keeps_the_finished_trials(run, digits, tmp_path):
    options = ["--data", str(digits), "--storage", str(tmp_path / "study.journal"), "--epochs", "1"]
    output, errors = interrupted("search", *options, "--trials", 100000, after="adamw 1/100000")
    assert "Interrupted." in errors
    assert "of 100000 trials finished" in output
    kept = json.loads(run("search", *options, "--trials", 1, "--json").stdout)
    assert [trial["number"] for trial in kept["adamw"]["trials"]] == [0]


def test_a_search_of_which_nothing_came_fails_after_its_table(run, digits):
    result = run("search", "--trials", 2, "--optimizer", "sgd", "--range", "lr=1e29:1e30", "--data", digits, *QUICK)
    assert result.exit_code == 1
    assert "0 complete" in result.stdout
    assert "Every trial diverged: look for NaN in the images, or search smaller learning rates" in result.stderr
