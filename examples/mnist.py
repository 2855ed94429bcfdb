"""Handwritten digits in ten seconds: `python examples/mnist.py [FOLDER]`.

FOLDER holds MNIST's four IDX files (or any set that `fastconv.data.load` reads); without it the embedded digits do.
"""

import sys

import fastconv as fc
from fastconv import data, models, optim


def main(folder: str | None = None, epochs: int = 8) -> float:
    """Trains LeNet-5, says how it goes, and returns the accuracy on the test images."""
    train, test = data.digits() if folder is None else data.load(folder)
    trainer = fc.Trainer(models.lenet5(num_classes=len(train.classes)), optim.AdamW(lr=6e-3))
    history = trainer.fit(train, epochs, batch_size=128, validation=test, schedule=optim.OneCycle(max_lr=6e-3),
                          augment=data.AUGMENTATIONS["digits"])
    for result in history:
        print(f"epoch {result.epoch}  loss {result.loss:.4f}  test accuracy {result.validation['accuracy']:.2%}"
              f"  {result.images_per_second:,.0f} images/s")
    return history[-1].validation["accuracy"]


if __name__ == "__main__":
    main(*sys.argv[1:])
