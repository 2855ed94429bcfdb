"""The cache of compiled kernels, each case in processes of its own: what one leaves, another finds or survives."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import fastconv as fc

#: Prints the bits of a small network's outputs, and how much was compiled for it.
PROGRAM = """
from numba.core import event
with event.install_recorder("numba:compile") as recorder:
    import numpy as np
    from fastconv import nn
    print(nn.Linear(2, 3)(np.ones((1, 2), np.float32)).tobytes().hex())
print(len(recorder.buffer))
"""

NOWHERE = "/dev/null/home"
AVX2 = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi2,+avx,+sse4.2,+f16c"}


@dataclass(frozen=True)
class Outcome:
    outputs: str
    compiled: bool
    errors: str


class Installation:
    """A copy of the package, and the environment of processes that use it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.package = folder / "fastconv"
        self.kernels = self.package / "kernels" / "__pycache__"
        shutil.copytree(Path(fc.__file__).parent, self.package, ignore=shutil.ignore_patterns("__pycache__"))
        self.home.mkdir()

    def start(self, *obeying: str, **environment: str) -> subprocess.Popen[str]:
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("NUMBA_", "XDG_", "PYTHON"))}
        return subprocess.Popen(
            [*obeying, sys.executable, "-B", "-c", PROGRAM], cwd=self.folder, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=kept | {"HOME": str(self.home), "PYTHONPATH": str(self.folder)} | environment)

    def run(self, *obeying: str, **environment: str) -> Outcome:
        return outcome(self.start(*obeying, **environment))

    def forbid_writing(self) -> None:
        for folder, _, _ in os.walk(self.package):
            os.chmod(folder, 0o555)

    def files(self) -> list[Path]:
        return sorted(self.kernels.glob("*.nbc"))


def outcome(process: subprocess.Popen[str]) -> Outcome:
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    outputs, compiled = printed.split()
    return Outcome(outputs, compiled != "0", errors)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Outcome]:
    """An installation whose kernels a first process has compiled."""
    installation = Installation(tmp_path_factory.mktemp("filled"))
    first = installation.run()
    assert first.compiled
    return installation, first


@pytest.fixture
def installed(filled, tmp_path) -> Installation:
    """A copy of that one at another place."""
    installation = Installation(tmp_path)
    shutil.copytree(filled[0].kernels, installation.kernels)
    return installation


@pytest.fixture
def obeying() -> list[str]:
    """What makes a process obey the modes of files, though root runs the tests."""
    if os.name != "posix":
        pytest.skip("folders are not made read-only by their mode here")
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root can write everywhere, and setpriv is missing")
    return ["setpriv", "--bounding-set=-dac_override", "--"]


def test_what_one_process_compiles_no_other_has_to(filled):
    installation, first = filled
    assert installation.run() == Outcome(first.outputs, False, "")


def test_kernels_compiled_at_one_place_serve_the_same_sources_at_another(installed, filled):
    assert installed.run() == Outcome(filled[1].outputs, False, "")


def test_a_read_only_package_serves_the_kernels_it_came_with_although_home_is_missing(installed, filled, obeying):
    installed.forbid_writing()
    assert installed.run(*obeying, HOME=NOWHERE) == Outcome(filled[1].outputs, False, "")


def test_kernels_of_a_read_only_package_that_has_none_are_kept_in_the_users_folder(installed, filled, obeying):
    shutil.rmtree(installed.kernels)
    installed.forbid_writing()
    assert installed.run(*obeying) == Outcome(filled[1].outputs, True, "")
    assert list(installed.home.rglob("*.nbc"))
    assert installed.run(*obeying) == Outcome(filled[1].outputs, False, "")


def test_where_no_folder_can_be_written_kernels_are_compiled_in_memory_with_one_line_of_warning(
        installed, filled, obeying):
    shutil.rmtree(installed.kernels)
    installed.forbid_writing()
    result = installed.run(*obeying, HOME=NOWHERE)
    assert result.outputs == filled[1].outputs
    assert result.compiled
    folders = f"{installed.kernels}, {NOWHERE}/.cache/numba/fastconv"
    assert result.errors.count("CacheWarning: compiled for this process only: no folder for compiled kernels can be "
                               f"written ({folders}); set NUMBA_CACHE_DIR to one that can") == 1


def test_numba_cache_dir_names_the_only_folder(installed, filled, tmp_path):
    named = tmp_path / "named"
    assert installed.run(NUMBA_CACHE_DIR=str(named)) == Outcome(filled[1].outputs, True, "")
    assert len(list((named / "fastconv").glob("*.nbc"))) == len(installed.files())


def test_processes_that_compile_at_once_leave_one_sound_cache(installed, filled):
    shutil.rmtree(installed.kernels)
    processes = [installed.start(), installed.start()]
    for process in processes:
        assert outcome(process) == Outcome(filled[1].outputs, True, "")
    assert [path.name for path in installed.files()] == [path.name for path in filled[0].files()]
    assert installed.run() == Outcome(filled[1].outputs, False, "")


@pytest.mark.parametrize("damage", [
    "truncated", "one bit", *(pytest.param(damage, marks=pytest.mark.slow) for damage in ("empty", "random"))])
def test_damaged_files_are_compiled_anew_and_replaced(installed, filled, damage):
    for number, path in enumerate(installed.files()):
        content = path.read_bytes()
        flipped = bytearray(content)
        flipped[len(content) // 2] ^= 4
        path.write_bytes({"empty": b"", "truncated": content[: len(content) // 2],
                          "random": bytes((number + 97 * i) % 256 for i in range(len(content))),
                          "one bit": bytes(flipped)}[damage])
    assert installed.run() == Outcome(filled[1].outputs, True, "")
    assert installed.run() == Outcome(filled[1].outputs, False, "")


def test_a_damaged_file_in_a_read_only_package_is_compiled_in_memory(installed, filled, obeying):
    installed.files()[0].write_bytes(b"damaged")
    installed.forbid_writing()
    result = installed.run(*obeying, HOME=NOWHERE)
    assert result.outputs == filled[1].outputs
    assert result.compiled
    assert "CacheWarning" in result.errors


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the other processor has AVX2")
def test_kernels_of_another_processor_are_left_alone_and_never_used(installed, filled):
    shutil.rmtree(installed.kernels)
    other = installed.run(**AVX2)
    assert other.compiled
    kept = {path: path.read_bytes() for path in installed.files()}
    assert kept
    assert all(".haswell." in path.name for path in kept)
    assert installed.run() == Outcome(filled[1].outputs, True, "")
    assert {path: path.read_bytes() for path in kept} == kept
    assert installed.run() == Outcome(filled[1].outputs, False, "")
    assert installed.run(**AVX2) == Outcome(other.outputs, False, "")


def test_a_change_in_a_file_that_kernels_call_compiles_them_anew_and_removes_the_old_ones(installed, filled):
    names = [path.name for path in installed.files()]
    with (installed.package / "simd" / "native.py").open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    assert installed.run() == Outcome(filled[1].outputs, True, "")
    after = [path.name for path in installed.files()]
    assert len(after) == len(names)
    assert not set(after) & set(names)


@pytest.mark.slow
def test_after_warming_neither_inference_nor_training_compiles_anything(filled, tmp_path):
    installation = Installation(tmp_path)
    warm = ("import numpy as np, fastconv as fc\nmodel = fc.models.lenet5()\nbefore = model.state_dict()\n"
            "fc.cache.warm(model, (1, 28, 28), train=True)\n"
            "assert all(np.array_equal(array, before[name]) for name, array in model.state_dict().items())\n")
    use = """
from numba.core import event
with event.install_recorder("numba:compile") as recorder:
    import numpy as np, fastconv as fc
    model, images = fc.models.lenet5(), np.zeros((300, 1, 28, 28), np.uint8)
    for count in (1, 2, 15, 16, 17, 128, 300):
        model(images[:count]); model(images[:count].astype(np.float32))
    data = images, np.arange(300) % 10
    fc.Trainer(model, fc.optim.AdamW()).fit(data, epochs=1, validation=data)
assert not recorder.buffer, recorder.buffer
"""
    environment = {"HOME": str(installation.home), "PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}
    for program in (warm, use):
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True)
