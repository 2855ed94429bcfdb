"""No file, however damaged, does more than raise a clear error: every reader, and the loader of checkpoints."""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from tests.fuzz import Target, picture_targets, targets

READERS = targets() + (picture_targets() if find_spec("PIL") else [])

#: Random inputs for each of 22 readers: with the truncations more than 100,000 in the slow run.
QUICK, SLOW = 60, 6_000

#: The quick run cuts a file after every length up to the first of these, and after that in steps of the second.
EVERY, STEP = 128, 41

#: What a file of a few kilobytes may cost. One that decompresses may grow a thousandfold, and pictures are decoded up
#: to LARGEST pixels.
MOST_SECONDS, MOST_BYTES = 5.0, 600 << 20

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning:PIL"),
              pytest.mark.filterwarnings("ignore::RuntimeWarning:PIL")]


@pytest.fixture(params=READERS, ids=lambda target: target.name)
def target(request, tmp_path) -> tuple[Target, Path]:
    """A reader, and a folder with the sound files that it needs beside the one it is attacked with."""
    for name, content in request.param.others:
        (tmp_path / name).write_bytes(content)
    return request.param, tmp_path


def attack(target: Target, folder: Path, seeds: range) -> None:
    """Reads a random input for each seed; a failure names the seed."""
    before = peak_bytes()
    for seed in seeds:
        content = target.damaged(np.random.default_rng([seed, len(target.sound)]))
        start = time.perf_counter()
        try:
            assert target.attack(folder, content) != "", "an error without a message"
        except BaseException as error:
            pytest.fail(f"{target.name}, seed {seed}: {type(error).__name__}: {error}")
        assert time.perf_counter() - start < MOST_SECONDS, f"{target.name}, seed {seed}: slow"
    assert peak_bytes() - before < MOST_BYTES, f"{target.name}: memory"


def peak_bytes() -> int:
    """The most memory that this process ever held; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def test_the_sound_file_is_read(target):
    reader, folder = target
    assert reader.attack(folder, reader.sound) is None


def test_truncation_is_a_clear_error_or_a_shorter_file(target):
    reader, folder = target
    size = len(reader.sound)
    for length in [*range(min(EVERY, size)), *range(EVERY, size, STEP), size - 1]:
        assert reader.attack(folder, reader.sound[:length]) != ""


@pytest.mark.slow
def test_truncation_at_every_length_is_a_clear_error_or_a_shorter_file(target):
    reader, folder = target
    for length in range(len(reader.sound)):
        assert reader.attack(folder, reader.sound[:length]) != ""


def test_random_damage_is_a_clear_error(target):
    attack(*target, range(QUICK))


@pytest.mark.slow
def test_much_random_damage_is_a_clear_error(target):
    attack(*target, range(QUICK, QUICK + SLOW))
