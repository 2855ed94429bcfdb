"""The options that several commands share."""

import pytest
from rich.text import Text

from fastconv_cli.options import PIPED_WIDTH, print_table
from tests.cli.test_bad_input import refused

TRAININGS = {"train": (), "compare": ("--schedules", "all"), "search": ()}


@pytest.mark.parametrize("command", ["train", "compare", "search", "lr-find"])
def test_a_network_that_does_not_exist_is_wrong_usage_that_lists_those_that_do(run, untrained, command):
    refused(run(command, "--model", "lenet6"), "'--model': 'lenet6' is not one of lenet5, lenet5_classic", status=2)


@pytest.mark.parametrize("command", TRAININGS)
@pytest.mark.parametrize(("text", "message"), [
    ("faces", "expected digits, elastic, "), ("faces", "got 'faces'"), ("crop=1.5", "expected crop=PIXELS"),
    ("digits,,flip=1", "got ''"), ("flip=2", "expected flip from 0 to 1")])
def test_an_augmentation_that_does_not_exist_is_wrong_usage(run, untrained, command, text, message):
    refused(run(command, *TRAININGS[command], "--augment", text), "'--augment': ", message, status=2)


def test_a_table_in_a_pipe_is_wide_and_one_on_a_terminal_as_wide_as_that(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")

    def columns():
        print_table(Text("x" * 200))
        return len(capsys.readouterr().out.splitlines()[0])

    assert columns() == PIPED_WIDTH
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert columns() == 40
