import errno
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from fastconv_cli.main import Commands


def test_help_names_every_command_and_the_exit_statuses(run):
    result = run("--help")
    assert result.exit_code == 0
    for word in ("train", "evaluate", "predict", "summary", "bench", "Exit status"):
        assert word in result.stdout


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "summary", "bench"])
def test_each_command_explains_itself_with_h(run, command):
    result = run(command, "-h")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_version(run):
    from fastconv import __version__

    assert run("--version").stdout.strip() == f"fastconv, version {__version__}"


def test_help_imports_neither_numba_nor_numpy():
    program = (
        "import sys\n"
        "from fastconv_cli.main import main\n"
        "main(['train', '--help'], standalone_mode=False)\n"
        "print(sorted({'numba', 'numpy', 'rich'} & set(sys.modules)))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "[]"


def result_of(error):
    """What a command that raises `error` ends with."""

    @click.group(cls=Commands)
    def group():
        pass

    @group.command()
    def fail():
        raise error

    return CliRunner().invoke(group, ["fail"])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("two\n lines"), "Error: two lines"),
        (TypeError("a type"), "Error: a type"),
        (ValueError(), "Error: ValueError"),
        (MemoryError(), "Error: Not enough memory."),
        (MemoryError("Unable to allocate 9 TiB"), "Error: Not enough memory. Unable to allocate 9 TiB"),
        (OSError(errno.ENOSPC, "No space left on device", "m.safetensors"), "Error: m.safetensors: No space"),
        (OSError("no file is known"), "Error: no file is known"),
    ],
)
def test_an_expected_failure_is_one_line_and_status_1(error, message):
    result = result_of(error)
    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_an_interruption_is_one_line_and_status_130():
    result = result_of(KeyboardInterrupt())
    assert result.exit_code == 130
    assert result.stderr.startswith("Interrupted.")


def test_a_bug_is_not_hidden():
    assert isinstance(result_of(ZeroDivisionError("a bug")).exception, ZeroDivisionError)


@pytest.mark.parametrize("group", [(), ("runs",), ("cache",), ("data",)], ids=" ".join)
def test_help_says_in_whole_sentences_what_each_command_does(run, group):
    assert "..." not in run(*group, "--help").stdout.partition("Commands:")[2]
