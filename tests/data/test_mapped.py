"""Images on the disk, larger than the memory a program would take for them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import fastconv as fc
from fastconv.data import Augmentation, load
from tests.processes import in_child

COUNT, SIZE = 40_000, (3, 32, 32)


@pytest.fixture
def folder(tmp_path):
    """CIFAR-like images, 117 MiB of them, in .npy files."""
    rng = np.random.default_rng(0)
    images = np.lib.format.open_memmap(tmp_path / "train_images.npy", mode="w+", dtype=np.uint8, shape=(COUNT, *SIZE))
    for start in range(0, COUNT, 1000):
        images[start:start + 1000] = rng.integers(0, 256, (1000, *SIZE), dtype=np.uint8)
    images.flush()
    np.save(tmp_path / "train_labels.npy", rng.integers(0, 10, COUNT).astype(np.uint8))
    np.save(tmp_path / "test_images.npy", images[:500])
    np.save(tmp_path / "test_labels.npy", np.arange(500) % 10)
    return tmp_path


def anonymous_bytes() -> int:
    """Memory of this process that is not a file's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))


def train(folder: Path) -> tuple[int, int, bytes]:
    """(bytes of the images, bytes of memory that loading them and training on them took, the statistics)."""
    augment = Augmentation(crop=4, flip=0.5, mixup=0.2)
    model = fc.nn.Sequential(fc.nn.AvgPool2d(8), fc.nn.Flatten(), fc.nn.Linear(48, 10))
    trainer = fc.Trainer(model, fc.optim.SGD(lr=0.01))
    few = np.zeros((128, *SIZE), np.uint8), np.arange(128) % 10
    trainer.fit(few, epochs=1, validation=few, augment=augment)  # what everything else needs
    before = anonymous_bytes()
    training, test = load(folder)
    trainer.fit(training, epochs=1, validation=test, augment=augment)
    return training.images.nbytes, anonymous_bytes() - before, training.mean.tobytes()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory belongs to files")
def test_training_on_mapped_images_takes_a_fraction_of_their_size(folder):
    size, grown, mean = in_child("spawn", train, folder)
    assert size == COUNT * 3 * 32 * 32
    assert grown < size / 8
    images = np.load(folder / "train_images.npy", mmap_mode="r")
    np.testing.assert_allclose(np.frombuffer(mean, np.float32), images.mean(axis=(0, 2, 3)) / 255, rtol=1e-5)


def test_mapped_images_train_the_bits_of_those_in_memory(folder):
    mapped, _ = load(folder)
    few = fc.data.Dataset(mapped.images[:200], mapped.labels[:200], mapped.classes)
    states = []
    for images in (few.images, few.images.copy()):
        model = fc.nn.Sequential(fc.nn.AvgPool2d(8), fc.nn.Flatten(), fc.nn.Linear(48, 10))
        fc.Trainer(model, fc.optim.SGD(lr=0.01)).fit(
            (images, few.labels), epochs=1, augment=Augmentation(shift=2, elastic=3, mixup=0.2))
        states.append(model.state_dict())
    for name, weights in states[0].items():
        np.testing.assert_array_equal(weights, states[1][name])
