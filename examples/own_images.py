"""Images of your own: `python examples/own_images.py [FOLDER]`.

FOLDER holds a folder of pictures for each class, as cats/ and dogs/ (they need Pillow: pip install "fastconv[images]").
Without it, arrays stand for them: circles and squares, drawn here.
"""

import sys

import numpy as np

import fastconv as fc
from fastconv import data, nn, optim


def drawn(count: int, seed: int) -> data.Dataset:
    """Bright circles and squares of several sizes at several places on dark, noisy images of 24×24 pixels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    y, x = np.mgrid[:24, :24]
    images = rng.integers(0, 60, (count, 1, 24, 24), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        down, right, radius = *rng.uniform(8, 16, 2), rng.uniform(3, 7)
        distance = np.hypot(y - down, x - right) if label == 0 else np.maximum(abs(y - down), abs(x - right))
        image[0, distance <= radius] += 150
    return data.Dataset(images, labels, ["circle", "square"])


def main(folder: str | None = None, epochs: int = 10) -> float:
    """Trains a small network and returns its accuracy on test images: a tenth of each class where there are none."""
    train, test = data.stratified_split(drawn(600, seed=0), 0.2) if folder is None else data.load(folder)
    channels = train.images.shape[1]
    model = nn.Sequential(
        nn.Conv2d(channels, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, len(train.classes)))
    trainer = fc.Trainer(model, optim.AdamW(lr=3e-3))
    trainer.fit(train, epochs, batch_size=32, schedule=optim.OneCycle(max_lr=3e-3),
                augment=data.AUGMENTATIONS["photos"])
    accuracy = trainer.evaluate(test)["accuracy"]
    print(f"{accuracy:.1%} of {len(test)} images it has not seen are recognised: {', '.join(train.classes)}")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
