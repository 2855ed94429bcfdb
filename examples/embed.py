"""A trained network inside a program of yours: `python examples/embed.py [MODEL]`.

MODEL is a file that `fastconv train` or `fc.save` has written; without it a network is trained for a moment first.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import fastconv as fc
from fastconv import data, models, optim


class Reader:
    """What the rest of the program sees: images in, class names and how sure the network is of them out."""

    def __init__(self, path: str | Path) -> None:
        self._model = fc.load(path)

    def read(self, image: np.ndarray) -> tuple[str, float]:
        """The class of an image (C, H, W) uint8, and its probability. Any thread may call it."""
        logits = self._model(image[None])[0].astype(np.float64)
        shares = np.exp(logits - logits.max())
        best = int(shares.argmax())
        return self._model.classes[best], float(shares[best] / shares.sum())


def train_for_a_moment(path: Path) -> None:
    model = models.lenet5()
    fc.Trainer(model, optim.AdamW(lr=3e-3)).fit(data.digits()[0], epochs=2)
    fc.save(model, path)


def main(path: str | None = None) -> float:
    """Reads digits in several threads at once; returns the share that is right."""
    with TemporaryDirectory() as folder:
        if path is None:
            path = str(Path(folder) / "lenet.safetensors")
            train_for_a_moment(Path(path))
        reader = Reader(path)
    _, test = data.digits()
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(reader.read, test.images))
    right = [name == test.classes[label] for (name, _), label in zip(answers, test.labels, strict=True)]
    for (name, share), label in list(zip(answers, test.labels, strict=True))[:5]:
        print(f"a {test.classes[label]} is read as {name} ({share:.1%})")
    print(f"{np.mean(right):.1%} of {len(right)} digits are read right")
    return float(np.mean(right))


if __name__ == "__main__":
    main(*sys.argv[1:])
