"""What the tests of the command line share: a few digits as IDX files, and a network trained on them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

import fastconv as fc
from fastconv_cli.main import main


def idx(array: NDArray[np.uint8]) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.fixture(autouse=True)
def kept_num_threads() -> Iterator[None]:
    """A command's --threads ends with its test."""
    before = fc.get_num_threads()
    yield
    fc.set_num_threads(before)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command's runs go into the test's own folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails the test where a training begins."""
    monkeypatch.setattr(fc.Trainer, "fit", lambda *_, **__: pytest.fail("training began"))


@pytest.fixture
def augmentations(monkeypatch: pytest.MonkeyPatch) -> list[fc.data.Augmentation | None]:
    """What each training that begins is asked to do to its images."""
    asked, fit = [], fc.Trainer.fit

    def spied(*arguments: Any, **options: Any) -> list[fc.trainer.EpochResult]:
        asked.append(options["augment"])
        return fit(*arguments, **options)

    monkeypatch.setattr(fc.Trainer, "fit", spied)
    return asked


@pytest.fixture(scope="session")
def write_idx() -> Callable[..., Path]:
    """Writes images (N, H, W) and labels (N,) as both the training and the test set of a folder."""

    def write(folder: Path, images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Path:
        folder.mkdir(exist_ok=True)
        for part in ("train", "t10k"):
            (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
            (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
        return folder

    return write


@pytest.fixture(scope="session")
def run() -> Callable[..., Result]:
    """Runs the command in this process; an exception that it does not turn into a message fails the test."""
    return lambda *arguments: CliRunner().invoke(main, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory, write_idx: Callable[..., Path]) -> Path:
    """A folder with 200 digits."""
    train, _ = fc.data.digits()
    return write_idx(tmp_path_factory.mktemp("digits"), train.images[:200, 0], train.labels[:200].astype(np.uint8))


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory, run: Callable[..., Result], digits: Path) -> Path:
    """A network trained for ten epochs on them."""
    path = tmp_path_factory.mktemp("model") / "lenet5.safetensors"
    result = run("train", "--data", digits, "--epochs", 10, "--batch-size", 32, "--output", path,
                 "--run", path.parent / "run")
    assert result.exit_code == 0, result.output
    return path
