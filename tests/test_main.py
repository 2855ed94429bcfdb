"""The command, also where what it needs is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fastconv import __version__

PROGRAM = """
import sys
sys.modules[{!r}] = None
sys.argv = ["fastconv", "runs", "list", "."]
from fastconv.__main__ import main
main()
"""


def test_the_package_runs_as_the_command():
    done = subprocess.run([sys.executable, "-m", "fastconv", "--version"], capture_output=True, text=True)
    assert done.stdout == f"fastconv, version {__version__}\n"


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_where_a_module_for_the_terminal_is_missing_one_line_says_so(missing):
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(missing)], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "the command line needs click and rich: pip install fastconv\n"
