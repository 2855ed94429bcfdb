import json
import sys

import numpy as np
import pytest

from fastconv.experiments.landscape import quadratic, rosenbrock, trajectory


@pytest.fixture
def picture(tmp_path, monkeypatch):
    """The picture that a command without --output makes."""
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "landscape.png"


def refused(result, *messages, status=1):
    """Asserts that a command failed and that the last line on standard error contains every message."""
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("Error: ")
    assert status == 2 or len(lines) == 1
    for message in messages:
        assert message in lines[-1]


def test_without_options_it_draws_the_quadratic_and_tells_where_each_ended(run, picture):
    result = run("landscape")
    assert result.exit_code == 0, result.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    shown = " ".join(result.stdout.split())
    for text in ("f(x, y) = x²/2 + 10·y²/2, minimum at 0, 0", "sgd", "momentum", "adam", "gd-armijo", "cg", "lbfgs",
                 "line search", "Picture saved in landscape.png"):
        assert text in shown


def test_options_choose_what_is_drawn_and_where(run, picture):
    output = picture.with_name("other.svg")
    result = run("landscape", "--function", "rosenbrock", "--optimizers", "sgd=0.5,newton", "--steps", 40,
                 "--start", "-1.5,2", "--output", output)
    assert result.exit_code == 0, result.output
    assert output.read_bytes().startswith(b"<?xml")
    assert not picture.exists()
    shown = " ".join(result.stdout.split())
    for text in ("f(x, y) = (1 - x)² + 100(y - x²)², minimum at 1, 1", "diverged", f"Picture saved in {output}"):
        assert text in shown


def test_json_has_the_trajectories_of_the_library_and_draws_nothing(run, picture):
    result = run("landscape", "--optimizers", "sgd,adam=0.5,lbfgs", "--rho", 4, "--steps", 6, "--lr", 0.1, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["function"], document["minimum"], document["output"]) == ("quadratic", [0, 0], None)
    function = quadratic(4.0)
    expected = [trajectory("sgd", function, steps=6, lr=0.1), trajectory("adam", function, steps=6, lr=0.5),
                trajectory("lbfgs", function, steps=6)]
    assert document["trajectories"] == [each.to_dict() for each in expected]
    assert not picture.exists()


def test_json_and_a_picture_come_together_when_both_are_asked_for(run, picture):
    result = run("landscape", "--optimizers", "newton", "--function", "rosenbrock", "--json", "--output", picture)
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["output"] == str(picture)
    assert picture.exists()
    np.testing.assert_array_equal(document["trajectories"][0]["points"], trajectory("newton", rosenbrock()).points)


def test_json_needs_no_matplotlib(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("landscape", "--optimizers", "cg", "--json").exit_code == 0


def test_all_is_every_optimizer_and_every_method(run):
    from fastconv.optim import METHODS, OPTIMIZERS

    result = run("landscape", "--optimizers", "all", "--steps", 2, "--json")
    names = [each["optimizer"] for each in json.loads(result.stdout)["trajectories"]]
    assert names == [*OPTIMIZERS, *METHODS]


def test_without_matplotlib_the_extra_to_install_is_named(run, picture, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    refused(run("landscape"), "landscape.png", 'pip install "fastconv[plots]"')
    assert not picture.exists()


@pytest.mark.parametrize(("output", "message"), [
    ("missing/file.png", "cannot be written"), ("a.png", "expected a file, found a folder")])
def test_a_file_that_cannot_be_drawn_to_is_refused(run, picture, output, message):
    (picture.parent / "a.png").mkdir()
    refused(run("landscape", "--output", picture.parent / output), message)


@pytest.mark.parametrize(("arguments", "message"), [
    (["--optimizers", "sdg"], "'sdg' is not one of sgd, "),
    (["--optimizers", ""], "'' is not one of sgd, "),
    (["--optimizers", "sgd,sgd=0.1"], "'sgd' is given more than once"),
    (["--optimizers", "sgd=fast"], "sgd=fast: expected a learning rate above 0"),
    (["--optimizers", "sgd=-1"], "sgd=-1: expected a learning rate above 0"),
    (["--optimizers", "sgd="], "sgd=: expected a learning rate above 0"),
    (["--optimizers", "sgd=inf"], "sgd=inf: expected a learning rate above 0"),
    (["--optimizers", "lbfgs=1"], "'lbfgs' has no learning rate: a line search chooses its steps"),
    (["--optimizers", "all=1"], "'gd-armijo' has no learning rate: a line search chooses its steps"),
    (["--function", "sphere"], "'sphere'"),
    (["--rho", "0"], "'--rho'"),
    (["--rho", "2", "--function", "rosenbrock"], "--rho belongs to --function quadratic"),
    (["--steps", "0"], "'--steps'"),
    (["--lr", "0"], "'--lr'"),
    (["--output", "file.txt"], "file.txt: expected a name that ends in .png, .svg or .pdf"),
    (["--start", "1"], "'1' is not a place: expected two numbers, as in -4,1.5"),
    (["--start", "1,2,3"], "'1,2,3' is not a place"),
    (["--start", "1,nan"], "'1,nan' is not a place: expected finite numbers"),
])
def test_wrong_usage_has_status_2(run, picture, arguments, message):
    refused(run("landscape", *arguments), message, status=2)
    assert not picture.exists()


def test_it_explains_itself(run):
    result = run("landscape", "-h")
    assert result.exit_code == 0
    assert "--optimizers" in result.stdout
    assert "landscape" in run("--help").stdout
