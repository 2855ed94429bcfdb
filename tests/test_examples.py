"""Every example runs as it stands, and does what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastconv import data

FOLDER = Path(__file__).parents[1] / "examples"

#: What the last line of an example says, and the accuracy it must reach, in percent.
SAYS = {
    "mnist.py": (r"test accuracy", 95.0),
    "own_images.py": (r"images it has not seen", 90.0),
    "embed.py": (r"digits are read right", 90.0),
    "custom_layer.py": (r"test accuracy", 90.0),
    "resume.py": (r"test accuracy", 95.0),
}


def run(name: str, *arguments: object) -> str:
    """The last line that an example prints, started as a user would."""
    command = [sys.executable, str(FOLDER / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def accuracy(line: str) -> float:
    """The percentage in a line."""
    return float(next(word for word in line.split() if word.endswith("%")).rstrip("%"))


def test_these_are_the_examples():
    assert {path.name for path in FOLDER.glob("*.py")} == SAYS.keys()


@pytest.mark.parametrize("name", SAYS)
def test_an_example_needs_nothing_and_learns(name):
    said, least = SAYS[name]
    line = run(name)
    assert said in line
    assert accuracy(line) >= least


@pytest.mark.parametrize("name", ["mnist.py", "own_images.py"])
def test_an_example_takes_a_folder_of_images(name, tmp_path):
    train, test = data.digits()
    np.savez(tmp_path / "few.npz", train_images=train.images[:256], train_labels=train.labels[:256],
             test_images=test.images[:64], test_labels=test.labels[:64])
    assert SAYS[name][0] in run(name, tmp_path / "few.npz")
