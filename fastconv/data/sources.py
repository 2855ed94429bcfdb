"""The public data sets that can be fetched: where they are, and what their publishers say they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastconv.data.cifar import BATCHES
from fastconv.data.emnist import SPLITS


@dataclass(frozen=True)
class Download:
    """A file: its name, the MD5 checksum its publishers state, and where it is; an archive also has members."""

    name: str
    md5: str
    urls: Sequence[str]
    members: Sequence[str] = ()

    @property
    def results(self) -> Sequence[str]:
        """The files that are there afterwards."""
        return self.members or (self.name,)


def _mnist(mirrors: Sequence[str], *sums: str) -> list[Download]:
    names = [f"{part}-{kind}-ubyte.gz" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    return [Download(name, md5, [mirror + name for mirror in mirrors]) for name, md5 in zip(names, sums, strict=True)]


def _cifar(name: str, md5: str, *members: str) -> list[Download]:
    return [Download(name, md5, [f"https://www.cs.toronto.edu/~kriz/{name}"], members)]


#: The data sets that can be fetched, by name.
SETS: dict[str, list[Download]] = {
    "mnist": _mnist(
        ["https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"],
        "f68b3c2dcbeaaa9fbdd348bbdeb94873", "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3", "ec29112dd5afa0611ce80d1b7f02629c"),
    "fashion-mnist": _mnist(
        ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d", "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79", "bb300cfdad3c16e7a12a480ee83cd310"),
    "kmnist": _mnist(
        ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
        "bdb82020997e1d708af4cf47b453dcf7", "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7", "7320c461ea6c1c855c0b718fb2a4b134"),
    "emnist": [Download(
        "gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e", ["https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"],
        [f"emnist-{split}-{part}-{kind}-ubyte.gz" for split in SPLITS for part in ("train", "test")
         for kind in ("images-idx3", "labels-idx1")])],
    "cifar10": _cifar("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", *BATCHES, "test_batch.bin"),
    "cifar100": _cifar("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", "train.bin", "test.bin",
                       "fine_label_names.txt", "coarse_label_names.txt"),
}
