"""What augmentation costs training: `python -m fastconv_bench.augmentations`.

Epochs of LeNet-5 at batch 128 with each augmentation in turns, on images as uint8; a ratio is an epoch's time over that
without any in the same round, the median of all rounds: a clock that changes from round to round leaves it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median

import click

import fastconv as fc
from fastconv.data import Augmentation

BATCH = 128

AUGMENTATIONS: Mapping[str, Augmentation | None] = {
    "none": None,
    "shift": Augmentation(shift=2),
    "crop": Augmentation(crop=4),
    "crop and flip": Augmentation(crop=4, flip=0.5),
    "rotate, scale, shear": Augmentation(rotate=10, scale=(0.9, 1.1), shear=5),
    "elastic": Augmentation(elastic=34, elastic_sigma=4),
    "cutout": Augmentation(cutout=8),
    "mixup": Augmentation(mixup=0.2),
    "all but mixup": Augmentation(crop=2, rotate=10, scale=(0.9, 1.1), elastic=34, cutout=8),
    "elastic and mixup": Augmentation(elastic=34, mixup=0.2),
}


def epochs(images: int, chosen: Mapping[str, Augmentation | None]) -> dict[str, Callable[[], float]]:
    """By name, what trains LeNet-5 for another epoch of so many images and returns the seconds it took."""
    train, _ = fc.data.digits()
    data = train.images[:images], train.labels[:images]

    def epoch_with(augment: Augmentation | None) -> Callable[[], float]:
        trainer = fc.Trainer(fc.models.lenet5(), fc.optim.AdamW(lr=1e-3))
        return lambda: trainer.fit(data, 1, BATCH, augment=augment)[0].seconds

    return {name: epoch_with(augment) for name, augment in chosen.items()}


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The seconds of so many epochs of each contender, run in turns."""
    for run in contenders.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            seconds[name].append(run())
    return seconds


def lines(seconds: Mapping[str, list[float]], images: int) -> list[str]:
    """A line for each augmentation: the images a second of its median epoch, and its ratio."""
    return [f"{name:22} {images / median(each):8,.0f} images/s  "
            f"{median(own / plain for own, plain in zip(each, seconds['none'], strict=True)):.3f}×"
            for name, each in seconds.items()]


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=20, show_default=True, help="Epochs of each.")
@click.option("--images", type=click.IntRange(min=1), default=2048, show_default=True, help="In an epoch.")
@click.option("--threads", type=click.IntRange(min=1), help="[default: one per CPU]")
def main(rounds: int, images: int, threads: int | None) -> None:
    """Time training of LeNet-5 with and without each augmentation."""
    if threads is not None:
        fc.set_num_threads(threads)
    for line in lines(interleaved(epochs(images, AUGMENTATIONS), rounds), images):
        click.echo(line)


if __name__ == "__main__":
    main()
