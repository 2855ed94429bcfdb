"""The recipe of docs/embedding.md: fastconv without Numba, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastconv as fc
from tests.networks import pixels

ROOT = Path(__file__).parents[2]

PROGRAM = """
import importlib.util, numpy as np
import fastconv.infer
assert not any(importlib.util.find_spec(name) for name in ("numba", "llvmlite", "click", "rich"))
np.save("y.npy", fastconv.infer.load("model.safetensors")(np.load("x.npy")))
"""


@pytest.mark.slow
def test_the_wheel_without_its_dependencies_runs_a_saved_network_with_numpy_and_safetensors(tmp_path):
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("needs the source tree")
    model, x = fc.models.resnet8(), pixels(0, 5, 3, 32, 32)
    fc.save(model, tmp_path / "model.safetensors")
    np.save(tmp_path / "x.npy", x)

    def run(*command: str | Path) -> None:
        result = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr

    run(sys.executable, "-m", "venv", "plain")
    python = tmp_path / "plain" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(python, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", "wheels", ROOT)
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    run(python, "-m", "pip", "install", "--no-deps", wheel)
    run(python, "-m", "pip", "install", "numpy", "safetensors")
    run(python, "-I", "-c", PROGRAM)
    command = subprocess.run([python.with_name("fastconv"), "--help"], capture_output=True, text=True)
    assert (command.returncode, command.stderr) == (
        1, "the command line needs click and rich: pip install fastconv\n")
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), model(x), rtol=0, atol=1e-5)
