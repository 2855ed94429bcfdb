"""What an activation costs a training step: `python -m fastconv_bench.activations`.

LeNet-5 at batch 128 with each activation in turns; a ratio is the step's time over that with ReLU, of the fastest
samples.
"""

from __future__ import annotations

from collections.abc import Callable

import click

import fastconv as fc
from fastconv_bench.timing import Times, interleaved

BATCH = 128


def steps() -> dict[str, Callable[[], object]]:
    """A training step of LeNet-5 with each activation, by name."""
    train, _ = fc.data.digits()
    images, labels = train.images[:BATCH], train.labels[:BATCH]

    def step_with(name: str) -> Callable[[], object]:
        model = fc.models.lenet5(activation=fc.nn.ACTIVATIONS[name])
        model.set_images(train.mean, train.std)
        trainer = fc.Trainer(model, fc.optim.AdamW(lr=1e-3))
        return lambda: trainer.step(images, labels)

    return {name: step_with(name) for name in fc.nn.ACTIVATIONS}


def lines(times: dict[str, Times]) -> list[str]:
    """A line for each activation, the cheapest first."""
    relu = times["relu"].best
    ordered = sorted(times, key=lambda name: times[name].best)
    return [f"{name:16} {times[name].best * 1e6:7,.0f} µs  {times[name].best / relu:.2f}×" for name in ordered]


@click.command()
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True,
              help="For each activation.")
@click.option("--threads", type=click.IntRange(min=1), help="[default: one per CPU]")
def main(seconds: float, threads: int | None) -> None:
    """Time a training step of LeNet-5 with every activation."""
    if threads is not None:
        fc.set_num_threads(threads)
    for line in lines(interleaved(steps(), seconds)):
        click.echo(line)


if __name__ == "__main__":
    main()
