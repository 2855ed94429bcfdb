"""The race to a test accuracy, on a handful of images."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import fastconv as fc
from fastconv_bench.race import CONTENDERS, Lap, Run, main, run


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """MNIST's four files with the first embedded digits."""
    made = tmp_path_factory.mktemp("mnist")
    for prefix, part in zip(("train", "t10k"), fc.data.digits(), strict=True):
        images, labels = part.images[:256, 0], part.labels[:256].astype(np.uint8)
        for name, array in ((f"{prefix}-images-idx3-ubyte.gz", images), (f"{prefix}-labels-idx1-ubyte.gz", labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (made / name).write_bytes(gzip.compress(header + array.tobytes()))
    return made


@pytest.mark.parametrize("contender", CONTENDERS)
def test_a_contender_learns_and_notes_its_first_step_its_memory_and_every_epoch(folder, contender):
    if contender == "PyTorch":
        pytest.importorskip("torch")
    made = run(contender, folder, epochs=6, seed=0)
    assert made.first_step > 0
    assert made.peak_bytes > 20e6
    assert len(made.laps) == 6
    assert all(later.seconds > earlier.seconds for earlier, later in zip(made.laps, made.laps[1:], strict=False))
    assert made.laps[-1].accuracy > 0.3


def test_the_time_to_an_accuracy_is_that_of_the_first_epoch_with_it():
    made = Run("fastconv", 1.0, 1, (Lap(1.0, 0.97), Lap(2.0, 0.99), Lap(3.0, 0.98)))
    assert (made.time_to(0.98), made.time_to(0.99), made.time_to(0.995)) == (2.0, 2.0, None)


@pytest.mark.slow
def test_the_race_tells_of_both(folder):
    pytest.importorskip("torch")
    result = CliRunner().invoke(main, ["--data", str(folder), "--epochs", "2", "--accuracy", "1"])
    assert result.exit_code == 0
    assert result.output.count("100.0% not within 2 epochs; first step") == 2


def test_a_folder_without_images_is_one_line_and_status_1(tmp_path):
    result = CliRunner().invoke(main, ["--data", str(tmp_path / "nope")])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("Error: ")
    assert "nope" in result.stderr
