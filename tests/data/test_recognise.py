"""The right reader for whatever is at a path."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

import fastconv as fc
from fastconv.data import Dataset, load, recognise
from fastconv.errors import DataError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 28, 28), dtype=np.uint8)
LABELS = (np.arange(40) % 10).astype(np.uint8)


@pytest.fixture
def idx_folder(tmp_path, idx_bytes):
    """A folder of four IDX files, at a path below the temporary one."""

    def write(below, stems=("train", "t10k")):
        folder = tmp_path / below
        folder.mkdir(parents=True)
        for stem in stems:
            (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(IMAGES)))
            (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
        return folder

    return write


@pytest.mark.parametrize(("below", "path", "first"), [
    ("digits", "digits", "0"), ("fashion-mnist", "fashion-mnist", "T-shirt/top"), ("kmnist", "kmnist", "o"),
    ("FashionMNIST/raw", "FashionMNIST", "T-shirt/top"), ("KMNIST/raw", "KMNIST/raw", "o"),
])
def test_mnists_files_have_the_classes_of_the_set_the_folder_is_named_after(idx_folder, tmp_path, below, path, first):
    idx_folder(below)
    train, test = load(tmp_path / path)
    assert train.classes == test.classes
    assert train.classes[0] == first
    np.testing.assert_array_equal(train.images[:, 0], IMAGES)


def test_emnists_files(idx_folder):
    train, _ = load(idx_folder("any", ("emnist-digits-train", "emnist-digits-test")))
    np.testing.assert_array_equal(train.images[:, 0], IMAGES.transpose(0, 2, 1))


@pytest.mark.parametrize("below", ["", "cifar-10-batches-bin"])
def test_cifar10s_binaries(tmp_path, below):
    folder = tmp_path / below
    folder.mkdir(exist_ok=True)
    record = np.zeros((10, 3073), np.uint8)
    record[:, 0] = range(10)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (folder / f"{name}.bin").write_bytes(record.tobytes())
    train, test = load(tmp_path)
    assert (len(train), len(test)) == (50, 10)
    assert train.classes[9] == "truck"


def test_cifar100s_binaries(tmp_path):
    for name in ("train", "test"):
        (tmp_path / f"{name}.bin").write_bytes(np.zeros((3, 3074), np.uint8).tobytes())
    assert len(load(tmp_path)[0].classes) == 100


@pytest.mark.parametrize("kind", ["npz", "npy"])
def test_a_tenth_of_each_class_is_held_out_by_the_seed(tmp_path, kind):
    images, labels, path = np.repeat(IMAGES, 5, axis=0), np.repeat(LABELS, 5), tmp_path
    if kind == "npz":
        path = tmp_path / "one.npz"
        np.savez(path, images=images, labels=labels)
    else:
        np.save(tmp_path / "images.npy", images)
        np.save(tmp_path / "labels.npy", labels)
    train, test = load(path)
    np.testing.assert_array_equal(np.bincount(test.labels), [2] * 10)
    assert len(train) == 180
    np.testing.assert_array_equal(load(path)[1].images, test.images)
    assert not np.array_equal(load(path, seed=1)[1].images, test.images)


def test_an_archive_with_a_test_part_is_taken_as_it_is(tmp_path):
    np.savez(tmp_path / "four.NPZ", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:3], y_test=LABELS[:3])
    (tmp_path / "four.NPZ.npz").rename(tmp_path / "four.NPZ")
    assert [len(each) for each in load(tmp_path / "four.NPZ")] == [40, 3]


def test_a_set_too_large_to_copy_apart_needs_a_test_part(tmp_path, monkeypatch):
    np.savez(tmp_path / "one.npz", images=IMAGES, labels=LABELS)
    monkeypatch.setattr(recognise, "LARGEST_SPLIT", IMAGES.nbytes - 1)
    with pytest.raises(DataError, match="expected test images too"):
        load(tmp_path / "one.npz")


def test_folders_of_pictures_with_and_without_a_test_part(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for part in ("train", "val"):
        for name, level in (("dark", 10), ("light", 200)):
            (tmp_path / part / name).mkdir(parents=True)
            for number in range(10 if part == "train" else 2):
                picture = image.fromarray(np.full((4, 4), level + number, np.uint8))
                picture.save(tmp_path / part / name / f"{number}.png")
    train, test = load(tmp_path)
    assert train.classes == test.classes == ("dark", "light")
    assert (len(train), len(test), train.mean) == (20, 4, test.mean)
    assert [len(each) for each in load(tmp_path / "train")] == [18, 2]
    assert load(tmp_path, size=(2, 2))[1].images.shape == (4, 1, 2, 2)
    (tmp_path / "val" / "grey").mkdir()
    image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "val" / "grey" / "0.png")
    with pytest.raises(DataError, match=r"val: expected the classes of .*train, found grey too"):
        load(tmp_path)


def test_a_fetched_set_is_found_by_its_name(idx_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("FASTCONV_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match="kmnist: not downloaded yet; `fastconv data fetch kmnist` does it"):
        load("kmnist")
    cache = tmp_path / "cache" / "kmnist"
    cache.mkdir(parents=True)
    (cache / ".train-images.gz.part").touch()  # of a download that failed
    with pytest.raises(DataError, match="kmnist: not downloaded yet"):
        load("kmnist")
    shutil.rmtree(cache)
    idx_folder("cache/kmnist")
    assert load("kmnist")[0].classes[0] == "o"


@pytest.mark.parametrize("make", [
    lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("text"),
    lambda path: shutil.copytree(Path(__file__).parent, path / "other"),
])
def test_what_was_looked_for_is_said(tmp_path, make):
    make(tmp_path / "set")
    with pytest.raises(DataError) as raised:
        load(tmp_path / "set")
    for part in ("train-images-idx3-ubyte", "emnist-", "data_batch_1.bin", "train_images.npy", ".npz", "pictures"):
        assert part in str(raised.value)


@pytest.mark.parametrize("name", ["fashion-mnist", "cifar-10-batches-bin"])
def test_data_of_another_name_trains_with_no_change_but_the_folder(tmp_path, idx_folder, name):
    if name == "fashion-mnist":
        idx_folder(name)
        model = fc.models.lenet5()
    else:
        (tmp_path / name).mkdir()
        record = RNG.integers(0, 10, (20, 3073), dtype=np.uint8).tobytes()
        for file in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
            (tmp_path / name / f"{file}.bin").write_bytes(record)
        model = fc.nn.Sequential(fc.nn.Conv2d(3, 4, 3), fc.nn.ReLU(), fc.nn.Flatten(), fc.nn.Linear(3600, 10))
    train, test = load(tmp_path / name)
    assert isinstance(train, Dataset)
    trainer = fc.Trainer(model, fc.optim.AdamW(lr=1e-3))
    history = trainer.fit(train, epochs=5, batch_size=16, validation=test)
    assert history[-1].loss < history[0].loss


def test_folders_of_classes_without_pictures_are_named(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=f"^{tmp_path}: its folders contain no pictures: cats, dogs$"):
        load(tmp_path)
