"""Files that are damaged, or made to do harm, for every reader: what they may do is fail with a clear error."""

from __future__ import annotations

import gzip
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as to_safetensors

import fastconv as fc
from fastconv import data, nn
from fastconv.data.pictures import open_picture
from fastconv.errors import CheckpointError, DataError, RunError
from fastconv.report.history import read_history
from fastconv.runs.checkpoint import read_checkpoint
from fastconv.runs.configuration import Configuration, read_configuration
from fastconv.runs.metrics import read_results
from fastconv.runs.toml import to_toml
from tests.data.conftest import write as idx_bytes

#: What a reader may raise.
CLEAR = (DataError, CheckpointError, RunError, OSError)

#: Sizes, counts and offsets that nobody means.
NUMBERS = (0, 1, -1, 2, 255, 256, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**53, 2**63 - 1, 2**63,
           2**64 - 1, 2**64, 10**30)

#: JSON that nobody means.
VALUES: tuple[Any, ...] = (*NUMBERS, -2**63, 0.5, 1e308, float("nan"), float("inf"), None, True, "", "x" * 1000, [], {},
                           [[]], [0, 2**60], {"type": "Sequential", "layers": []})

IMAGES = np.arange(6 * 3 * 4, dtype=np.uint8).reshape(6, 3, 4)
LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8)


@dataclass(frozen=True)
class Target:
    """A reader, a sound file for it, the file's name, and a maker of hostile files."""

    name: str
    file: str
    sound: bytes
    read: Callable[[Path], object]
    hostile: Callable[[np.random.Generator], bytes]
    others: tuple[tuple[str, bytes], ...] = ()  # sound files beside it

    def damaged(self, rng: np.random.Generator) -> bytes:
        """The sound file after a few bytes, or a piece, have changed; or a hostile one."""
        kind = rng.integers(4)
        if kind == 0:
            return self.hostile(rng)
        content = bytearray(self.sound)
        for _ in range(rng.integers(1, 9)):
            # Half of the places are in the header, where they matter most.
            place = int(rng.integers(min(len(content), 64) if rng.random() < 0.5 else len(content)) if content else 0)
            if kind == 1 and content:
                content[place] = int(rng.integers(256))
            elif kind == 2 and content:
                content[place] ^= 1 << int(rng.integers(8))
            elif kind == 3:
                length = int(rng.integers(1, 33))
                piece = rng.bytes(length) if rng.random() < 0.5 else bytes(content[:length])
                content[place:place + (length if rng.random() < 0.5 else 0)] = piece if rng.random() < 0.7 else b""
        return bytes(content)

    def attack(self, folder: Path, content: bytes) -> str | None:
        """What the reader says of the content, None where it reads it; anything that is no clear error is passed on."""
        path = folder / self.file
        path.write_bytes(content)
        try:
            self.read(path)
        except CLEAR as error:
            return str(error)
        return None


def one_of(rng: np.random.Generator, choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


# --- IDX and CIFAR ---


def hostile_idx(rng: np.random.Generator) -> bytes:
    """A header with any type, any number of dimensions and any sizes."""
    dimensions = one_of(rng, (0, 1, 2, 3, 4, 64, 65, 255))
    sizes = b"".join(struct.pack(">I", one_of(rng, NUMBERS) % 2**32) for _ in range(dimensions))
    code = one_of(rng, (0x08, 0x08, 0x09, 0x0B, 0x0C, 0x0D, 0x0E, 0x00, 0xFF))
    return bytes([0, 0, code, dimensions]) + sizes + rng.bytes(int(rng.integers(64)))


def hostile_gzip(rng: np.random.Generator) -> bytes:
    """As `hostile_idx`, compressed, perhaps followed by many zeros that take little room."""
    return gzip.compress(hostile_idx(rng) + bytes(one_of(rng, (0, 100, 1 << 20))), 1)


def hostile_records(rng: np.random.Generator) -> bytes:
    """Whole records of anything, or nearly whole ones."""
    return rng.bytes(3073 * int(rng.integers(3)) + one_of(rng, (0, 0, 1, -1)) % 3074)


# --- NumPy's files ---


def npy_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def hostile_npy(rng: np.random.Generator) -> bytes:
    """A header that promises anything, or is anything."""
    shape = ", ".join(str(one_of(rng, NUMBERS)) for _ in range(one_of(rng, (1, 3, 4, 4, 4, 40))))
    dtype = one_of(rng, ("|u1", "|u1", "<f4", "|O", "<U1000000000", "|V9", "<M8[s]", "|S0", "x", "<f16", ",", "|u1,|O"))
    order = one_of(rng, ("False", "False", "True", "None", "1"))
    headers = (
        f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': ({shape},)}}",
        f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': ({shape},), }}" + " " * 5000,
        "(" * int(rng.integers(1, 9000)), "[" * 200 + "]" * 200, "-" * 3000 + "1", "{'descr': " * 100, "\x00\xff", "",
        "{'descr': [('a', '|u1', (2147483647, 2147483647))], 'fortran_order': False, 'shape': (1,)}",
        f"{{'descr': [{'[' * 50}], 'fortran_order': False, 'shape': ()}}", "__import__('os').abort()", "9" * 6000,
    )
    header = one_of(rng, headers).encode("latin-1", "replace")
    version = one_of(rng, ((1, 0), (1, 0), (2, 0), (3, 0), (9, 9)))
    length = len(header) if rng.random() < 0.8 else one_of(rng, NUMBERS)
    size = struct.pack("<H", length % 2**16) if version == (1, 0) else struct.pack("<I", length % 2**32)
    return b"\x93NUMPY" + bytes(version) + size + header + rng.bytes(int(rng.integers(100)))


def npz_bytes(compression: int, members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


SOUND_MEMBERS = {"images.npy": npy_bytes(IMAGES), "labels.npy": npy_bytes(LABELS), "classes.npy": npy_bytes(
    np.array(["a", "b", "c"]))}


def hostile_npz(rng: np.random.Generator) -> bytes:
    """An archive with a hostile member, or with sizes and places of members that nobody means."""
    compression = one_of(rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    bad = one_of(rng, tuple(SOUND_MEMBERS))
    content = hostile_npy(rng) + bytes(one_of(rng, (0, 0, 1 << 20)))
    members = {**SOUND_MEMBERS, bad: content} if rng.random() < 0.5 else SOUND_MEMBERS
    archive = bytearray(npz_bytes(compression, members))
    if rng.random() < 0.7:
        entries = [match.start() for match in re.finditer(b"PK\x01\x02|PK\x03\x04|PK\x05\x06", archive)]
        for _ in range(int(rng.integers(1, 4))):
            place = one_of(rng, entries) + int(rng.integers(4, 46))
            archive[place:place + 4] = struct.pack("<I", one_of(rng, NUMBERS) % 2**32)
    return bytes(archive)


# --- Pictures ---


def picture_bytes(kind: str, **options: Any) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.arange(12 * 9 * 3, dtype=np.uint8).reshape(12, 9, 3)).save(file, kind, **options)
    return file.getvalue()


def hostile_picture(sound: bytes) -> Callable[[np.random.Generator], bytes]:
    """A picture whose sizes are anything: some word of its first bytes is a number that nobody means."""

    def make(rng: np.random.Generator) -> bytes:
        content = bytearray(sound)
        width = one_of(rng, (2, 4))
        place = int(rng.integers(max(1, min(len(content), 200) - width)))
        number = one_of(rng, NUMBERS) % 2**(8 * width)
        content[place:place + width] = number.to_bytes(width, one_of(rng, ("big", "little")))
        return bytes(content)

    return make


# --- Checkpoints ---


def sound_model() -> nn.Sequential:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))
    model.set_images([0.5], [0.25], ["a", "b", "c"], (1, 6, 6))
    return model


def checkpoint_bytes(header: str, tensors: bytes) -> bytes:
    encoded = header.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(encoded)) + encoded + tensors


def hostile_checkpoint(sound: bytes, described: str) -> Callable[[np.random.Generator], bytes]:
    """A header whose entries are changed: sizes, offsets that overlap, what the metadata describe, deep JSON."""
    size = struct.unpack("<Q", sound[:8])[0]
    header, tensors = json.loads(sound[8:8 + size]), sound[8 + size:]
    document = json.loads(header["__metadata__"][described])

    def make(rng: np.random.Generator) -> bytes:
        choice = rng.random()
        if choice < 0.1:
            return struct.pack("<Q", one_of(rng, NUMBERS) % 2**64) + sound[8:]
        if choice < 0.2:
            depth, opening = int(rng.integers(1, 20_000)), one_of(rng, ("[", '{"a":', '{"__metadata__":'))
            text = opening * depth
            closed = text + "1" + ("]" if opening == "[" else "}") * depth
            return checkpoint_bytes(one_of(rng, (text, closed)), tensors)
        if choice < 0.6:
            description = changed(document, rng)
            text = json.dumps(description)
            if rng.random() < 0.1:
                depth = int(rng.integers(1, 20_000))
                text = '{"layer":' + '{"type":"Sequential","layers":[' * depth + "]}" * depth + "}"
            metadata = {**header["__metadata__"], described: text}
            return checkpoint_bytes(json.dumps({**header, "__metadata__": metadata}), tensors)
        return checkpoint_bytes(json.dumps(changed(header, rng)), tensors)

    return make


def hostile_rows(sound: bytes) -> Callable[[np.random.Generator], bytes]:
    """Lines of JSON whose values are changed."""
    rows = [json.loads(line) for line in sound.splitlines()]
    return lambda rng: b"".join(json.dumps(row).encode() + b"\n" for row in changed(rows, rng))


def changed(document: Any, rng: np.random.Generator) -> Any:
    """A copy of a JSON document in which a few of its values, or their keys, are others."""
    document = json.loads(json.dumps(document))
    for _ in range(int(rng.integers(1, 4))):
        places = list(containers(document))
        container = one_of(rng, places)
        if not container:
            continue
        key = one_of(rng, list(container) if isinstance(container, dict) else range(len(container)))
        action = rng.random()
        if action < 0.15:
            del container[key]
        elif action < 0.3 and isinstance(container, dict):
            container[one_of(rng, ("type", "layers", "shape", "dtype", "x", "self"))] = container[key]
        elif action < 0.4:
            container[key] = json.loads(json.dumps(one_of(rng, places)))
        else:
            container[key] = deepcopy(one_of(rng, VALUES))  # later changes may go into it
    return document


def containers(document: Any) -> Iterator[Any]:
    """All the objects and lists in a JSON document."""
    if isinstance(document, dict | list):
        yield document
        for value in document.values() if isinstance(document, dict) else document:
            yield from containers(value)


# --- Histories ---


SOUND_HISTORY = {"epochs": [{"epoch": 1, "loss": 0.5, "lr": 0.1, "validation": {"loss": 0.4, "accuracy": 0.9}}]}


def hostile_history(rng: np.random.Generator) -> bytes:
    """JSON in which a few values are others, or that is very deep."""
    if rng.random() < 0.1:
        return one_of(rng, (b"[", b'{"epochs":')) * int(rng.integers(1, 20_000))
    return json.dumps(changed(SOUND_HISTORY, rng)).encode()


# --- All of them ---


def read_mnist(path: Path) -> object:
    return data.mnist(path.parent)


def targets() -> list[Target]:
    """All readers that there are, beside those of the pictures."""
    images, labels = idx_bytes(IMAGES), idx_bytes(LABELS)
    record = np.zeros((1, 3073), np.uint8).tobytes()
    record100, names = np.zeros((1, 3074), np.uint8).tobytes(), "\n".join(map(str, range(100))).encode()
    batches = tuple((f"{name}.bin", record) for name in (*(f"data_batch_{i}" for i in range(2, 6)), "test_batch"))
    mnist = (("train-labels-idx1-ubyte", labels), ("t10k-images-idx3-ubyte", images),
             ("t10k-labels-idx1-ubyte", labels))
    letters = idx_bytes(LABELS + 1)
    emnist = (("emnist-letters-train-images-idx3-ubyte", images), ("emnist-letters-test-images-idx3-ubyte", images),
              ("emnist-letters-test-labels-idx1-ubyte", letters))
    model = sound_model()
    metadata = {"format": "fastconv 1", "model": json.dumps(description(model))}
    saved = to_safetensors(model.state_dict(), metadata)
    run = {"plan": {"epochs": 3, "batch_size": 16, "images": 70, "seed": 5},
           "progress": {"epochs": 1, "batches": 2, "loss": 1.5, "seconds": 0.5}}
    begun = to_safetensors({f"model.{name}": array for name, array in model.state_dict().items()},
                           {"format": "fastconv run 1", "run": json.dumps(run)})
    rows = b"".join(json.dumps({"epoch": epoch, "loss": 0.5, "lr": 0.1, "seconds": 1.0, "images_per_second": 70.0,
                                "validation": {"loss": 0.5, "accuracy": 0.9}}).encode() + b"\n" for epoch in (1, 2))
    stored, deflated = (npz_bytes(kind, SOUND_MEMBERS) for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    return [
        Target("idx", "file", images, data.read_idx, hostile_idx),
        Target("idx-gz", "file.gz", gzip.compress(images, 1, mtime=0), data.read_idx, hostile_gzip),
        Target("mnist", "train-images-idx3-ubyte", images, read_mnist, hostile_idx, mnist),
        Target("emnist-labels", "emnist-letters-train-labels-idx1-ubyte", letters,
               lambda path: data.emnist(path.parent), hostile_idx, emnist),
        Target("cifar10", "data_batch_1.bin", record, lambda path: data.cifar10(path.parent), hostile_records, batches),
        Target("cifar100-names", "fine_label_names.txt", names, lambda path: data.cifar100(path.parent),
               lambda rng: rng.bytes(int(rng.integers(2000))), (("train.bin", record100), ("test.bin", record100))),
        Target("npy-images", "images.npy", npy_bytes(IMAGES), lambda path: data.npy(path.parent), hostile_npy,
               (("labels.npy", npy_bytes(LABELS)),)),
        Target("npy-labels", "labels.npy", npy_bytes(LABELS), lambda path: data.npy(path.parent), hostile_npy,
               (("images.npy", npy_bytes(IMAGES)),)),
        Target("npz", "set.npz", stored, data.npz, hostile_npz),
        Target("npz-deflated", "set.npz", deflated, data.npz, hostile_npz),
        Target("history", "history.json", json.dumps(SOUND_HISTORY).encode(), read_history, hostile_history),
        Target("checkpoint", "model.safetensors", saved, fc.load, hostile_checkpoint(saved, "model")),
        Target("run-checkpoint", "last.safetensors", begun, read_checkpoint, hostile_checkpoint(begun, "run")),
        Target("run-metrics", "metrics.jsonl", rows, lambda path: read_results(path.parent), hostile_rows(rows)),
        Target("run-configuration", "run.toml", to_toml(Configuration().to_table()).encode(), read_configuration,
               lambda rng: rng.bytes(int(rng.integers(2000)))),
    ]


def description(model: nn.Sequential) -> dict[str, Any]:
    """What `fastconv.save` writes of a model, in plain words."""
    layers = [{"type": type(layer).__name__, **layer.config} for layer in model]
    return {"layer": {"type": "Sequential", "layers": layers}, "mean": [0.5], "std": [0.25], "classes": ["a", "b", "c"],
            "input_shape": [1, 6, 6]}


def picture_targets() -> list[Target]:
    """The formats of pictures."""
    sound = {kind: picture_bytes(kind) for kind in ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")}
    return [Target(f"picture-{kind}", f"picture.{kind.lower()}", content, open_picture, hostile_picture(content))
            for kind, content in sound.items()]
