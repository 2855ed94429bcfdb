"""Training to a test accuracy, fastconv beside PyTorch: `python -m fastconv_bench.race --data DIR`.

Both train LeNet-5 by one recipe (one-cycle AdamW, batch 128) with equal thread counts, each in a process of its own, so
that the time to the first step and the peak of memory are its own too.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

import fastconv as fc

BATCH, LR = 128, 6e-3


@dataclass(frozen=True)
class Lap:
    """After an epoch: the seconds spent on training so far, and the test accuracy."""

    seconds: float
    accuracy: float


@dataclass(frozen=True)
class Run:
    """first_step: seconds to the end of the first step, with imports, reading the images and compiling."""

    contender: str
    first_step: float
    peak_bytes: int
    laps: tuple[Lap, ...]

    def time_to(self, accuracy: float) -> float | None:
        """Seconds of training until the test accuracy was first reached; None where it never was."""
        return next((lap.seconds for lap in self.laps if lap.accuracy >= accuracy), None)


class Stopwatch(fc.Callback):
    """Notes the time of the first step, and each epoch's accuracy at the time spent on training."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        self.first_step = 0.0
        self.laps: list[Lap] = []

    def on_batch_end(self, epoch: int, images: int, loss: float) -> None:
        self.first_step = self.first_step or time.perf_counter() - self.start

    def lap(self, seconds: float, accuracy: float) -> None:
        """An epoch that took so long."""
        spent = self.laps[-1].seconds if self.laps else 0.0
        self.laps.append(Lap(spent + seconds, accuracy))


def run_fastconv(folder: Path, epochs: int, seed: int, watch: Stopwatch) -> None:
    train, test = fc.data.mnist(folder)
    model = fc.models.lenet5()
    model.init(seed)
    trainer = fc.Trainer(model, fc.optim.AdamW(lr=LR))
    for result in trainer.fit(train, epochs, BATCH, validation=test, schedule=fc.optim.OneCycle(max_lr=LR), seed=seed,
                              callbacks=[watch]):
        watch.lap(result.seconds, (result.validation or {})["accuracy"])


def run_pytorch(folder: Path, epochs: int, seed: int, watch: Stopwatch) -> None:
    import torch

    from fastconv_bench.lenet import torch_lenet5

    torch.set_num_threads(fc.get_num_threads())
    torch.manual_seed(seed)
    train, test = fc.data.mnist(folder)
    layout, scale, shift = torch.channels_last, 1 / (255 * float(train.std[0])), float(train.mean[0] / train.std[0])
    images, held_out, labels = (torch.from_numpy(each) for each in (train.images, test.images, train.labels))
    model = torch_lenet5(torch).to(memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LR, total_steps=epochs * -(-len(train) // BATCH))
    loss_of = torch.nn.CrossEntropyLoss()

    def prepared(raw: Any) -> Any:
        return raw.to(torch.float32, memory_format=layout).mul_(scale).sub_(shift)

    for epoch in range(1, epochs + 1):
        begun = time.perf_counter()
        for indices in torch.randperm(len(train)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_of(model(prepared(images[indices])), labels[indices])
            loss.backward()
            optimizer.step()
            schedule.step()
            watch.on_batch_end(epoch, len(indices), 0.0)
        seconds = time.perf_counter() - begun
        with torch.inference_mode():
            found = torch.cat([model(prepared(part)).argmax(1) for part in held_out.split(1000)]).numpy()
        watch.lap(seconds, float((found == test.labels).mean()))


CONTENDERS = {"fastconv": run_fastconv, "PyTorch": run_pytorch}


def run(contender: str, folder: Path, epochs: int, seed: int) -> Run:
    """One contender's training in this process."""
    import resource  # not on Windows

    watch = Stopwatch()
    CONTENDERS[contender](folder, epochs, seed, watch)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return Run(contender, watch.first_step, peak, tuple(watch.laps))


def race(folder: Path, epochs: int, seed: int) -> Iterator[Run]:
    """Each contender's training, one after the other in processes of their own."""
    for contender in CONTENDERS:
        command = [sys.executable, "-m", "fastconv_bench.race", "--contender", contender, "--data", str(folder),
                   "--epochs", str(epochs), "--seed", str(seed), "--threads", str(fc.get_num_threads())]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            why = (done.stderr.splitlines() or [f"exit status {done.returncode}"])[-1]
            raise click.ClickException(f"{contender}: {why.removeprefix('Error: ')}")
        document = json.loads(done.stdout)
        yield Run(**{**document, "laps": tuple(Lap(**lap) for lap in document["laps"])})


@click.command()
@click.option("--data", "folder", type=click.Path(path_type=Path), required=True, metavar="DIR",
              help="Folder with MNIST's four files.")
@click.option("--accuracy", type=click.FloatRange(0, 1), default=0.99, show_default=True, help="The goal.")
@click.option("--epochs", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="Of both.  [default: one per CPU]")
@click.option("--contender", type=click.Choice(list(CONTENDERS)), help="Only this one; prints its run as JSON.")
def main(folder: Path, accuracy: float, epochs: int, seed: int, threads: int | None, contender: str | None) -> None:
    """Train LeNet-5 with fastconv and with PyTorch, and tell when each reaches a test accuracy."""
    if threads is not None:
        fc.set_num_threads(threads)
    if contender is not None:
        try:
            made = run(contender, folder, epochs, seed)
        except (ValueError, OSError, ImportError) as error:
            raise click.ClickException(str(error)) from error
        click.echo(json.dumps(asdict(made)))
        return
    for each in race(folder, epochs, seed):
        laps = "  ".join(f"{lap.seconds:.1f} s {lap.accuracy:.2%}" for lap in each.laps)
        reached = each.time_to(accuracy)
        when = f"not within {epochs} epochs" if reached is None else f"after {reached:.1f} s of training"
        click.echo(f"{each.contender}: {laps}")
        click.echo(f"  {accuracy:.1%} {when}; first step {each.first_step:.1f} s after the start, "
                   f"peak memory {each.peak_bytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
