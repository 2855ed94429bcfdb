"""The package itself: cheap to import, and open about what it offers."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from importlib import metadata
from operator import attrgetter

import pytest

import fastconv as fc

HEAVY = ("numba", "llvmlite", "numpy", "safetensors", "click", "rich", "torch")


def imported_by(code: str) -> set[str]:
    """The modules a new interpreter has imported after it ran the code."""
    report = f"{code}\nimport sys\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", report], check=True, capture_output=True, text=True)
    return set(result.stdout.split())


@pytest.mark.parametrize("module", HEAVY)
def test_importing_fastconv_does_not_import(module):
    assert module not in imported_by("import fastconv")


@pytest.mark.parametrize("code", [
    "from fastconv import nn; nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU()).state_dict()",
    "from fastconv import models; models.lenet5().output_shape((1, 1, 28, 28))",
    "from fastconv import data; data.digits()",
    "from fastconv import optim; optim.AdamW()",
    "from fastconv import errors",
    "from fastconv import infer",
])
def test_numba_is_not_imported_before_a_kernel_is_needed(code):
    assert "numba" not in imported_by(code)


def test_the_library_never_imports_the_command_line():
    modules = imported_by("import fastconv as fc; [getattr(fc, name) for name in dir(fc)]; fc.Trainer; fc.load")
    assert not {"click", "rich", "fastconv_cli"} & modules


def test_every_name_that_dir_lists_is_there():
    assert all(hasattr(fc, name) for name in dir(fc))


def test_dir_lists_what_the_documentation_calls():
    assert {"Trainer", "data", "functional", "get_num_threads", "load", "models", "nn", "optim", "save",
            "set_num_threads", "value_and_grad"} <= set(dir(fc))


def test_a_star_import_brings_every_public_name():
    names: dict[str, object] = {}
    exec("from fastconv import *", names)
    assert set(fc.__all__) <= names.keys()


def test_the_version_is_that_of_the_installed_package():
    assert fc.__version__ == metadata.version("fastconv")


def test_the_version_is_a_number():
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.?(a|b|rc|dev)\d+)?", fc.__version__)


def test_an_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="module 'fastconv' has no attribute 'tranier'"):
        attrgetter("tranier")(fc)


def test_an_unknown_name_cannot_be_imported():
    with pytest.raises(ImportError, match="cannot import name 'tranier'"):
        exec("from fastconv import tranier")


@pytest.mark.parametrize("name", ["cache", "data", "errors", "functional", "infer", "models", "nn", "optim"])
def test_a_module_reached_as_an_attribute_is_the_module_itself(name):
    assert getattr(fc, name) is importlib.import_module(f"fastconv.{name}")


def test_every_error_is_a_value_error_or_a_type_error():
    kinds = [each for each in vars(fc.errors).values() if isinstance(each, type)]
    assert len(kinds) >= 5
    assert all(issubclass(kind, ValueError | TypeError) for kind in kinds)
