import numpy as np
import pytest

from fastconv.data import cifar10, cifar100
from fastconv.data.cifar import BATCHES
from fastconv.errors import DataError

RNG = np.random.default_rng(0)


def records(count, label_bytes, classes):
    """Labels (count, label_bytes), images (count, 3, 32, 32), and both as the bytes of a file."""
    labels = RNG.integers(0, classes, (count, label_bytes), dtype=np.uint8)
    images = RNG.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    return labels, images, np.hstack([labels, images.reshape(count, -1)]).tobytes()


@pytest.fixture
def cifar10_folder(tmp_path):
    written = [records(4, 1, 10) for _ in range(6)]
    for name, (_, _, content) in zip((*BATCHES, "test_batch.bin"), written, strict=True):
        (tmp_path / name).write_bytes(content)
    return tmp_path, written


def test_cifar10_is_five_batches_and_one_of_tests(cifar10_folder):
    folder, written = cifar10_folder
    train, test = cifar10(folder)
    np.testing.assert_array_equal(train.images, np.concatenate([images for _, images, _ in written[:5]]))
    np.testing.assert_array_equal(train.labels, np.concatenate([labels[:, 0] for labels, _, _ in written[:5]]))
    np.testing.assert_array_equal(test.images, written[5][1])
    assert train.classes[0] == "airplane"
    np.testing.assert_array_equal(test.mean, train.mean)
    np.testing.assert_allclose(train.mean, train.images.mean(axis=(0, 2, 3)) / 255, rtol=1e-5)


@pytest.mark.parametrize("coarse", [False, True])
def test_cifar100_has_fine_and_coarse_labels_and_its_files_names(tmp_path, coarse):
    labels, images, content = records(5, 2, 20)
    (tmp_path / "train.bin").write_bytes(content)
    (tmp_path / "test.bin").write_bytes(content)
    train, _ = cifar100(tmp_path, coarse)
    np.testing.assert_array_equal(train.images, images)
    np.testing.assert_array_equal(train.labels, labels[:, 0 if coarse else 1])
    assert train.classes == tuple(str(i) for i in range(20 if coarse else 100))
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"fine{i}" for i in range(100)) + "\n")
    (tmp_path / "coarse_label_names.txt").write_text("\n".join(f"coarse{i}" for i in range(20)) + "\n\n")
    assert cifar100(tmp_path, coarse)[0].classes[3] == ("coarse3" if coarse else "fine3")


@pytest.mark.parametrize(("change", "message"), [
    (lambda content: content[:-1], "records of 3073 bytes, got 12291 bytes"),
    (lambda content: b"", "got 0 bytes"),
    (lambda content: b"\x0a" + content[1:], "labels from 0 to 9, got 10: not CIFAR-10"),
])
def test_a_damaged_batch_is_named(cifar10_folder, change, message):
    folder, _ = cifar10_folder
    path = folder / "data_batch_3.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=rf"data_batch_3\.bin: .*{message}"):
        cifar10(folder)


def test_a_missing_file_and_too_few_names_are_named(cifar10_folder, tmp_path):
    folder, _ = cifar10_folder
    (folder / "test_batch.bin").unlink()
    with pytest.raises(DataError, match=r"test_batch\.bin: cannot be read: No such file"):
        cifar10(folder)
    (tmp_path / "fine_label_names.txt").write_text("one two")
    with pytest.raises(DataError, match=r"fine_label_names\.txt: expected 100 names, got 2"):
        cifar100(tmp_path)
