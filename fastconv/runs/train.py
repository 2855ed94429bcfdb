"""A run from its description to its model."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fastconv import data
from fastconv.callbacks import EarlyStopping, best_of
from fastconv.errors import CheckpointError, RunError
from fastconv.nn.fit import check_fit
from fastconv.nn.layer import Layer
from fastconv.runs.configuration import Configuration, read_configuration
from fastconv.runs.event_files import EventFiles, check_event_files
from fastconv.runs.interruption import Interruption
from fastconv.runs.record import new_folder
from fastconv.runs.run import CONFIGURATION, LAST, Run
from fastconv.serialization import BEST, save
from fastconv.trainer import Callback, EpochResult, Trainer


@dataclass(frozen=True)
class Trained:
    """What a run has come to.

    folder: where it is recorded.
    test: loss and accuracy of the last model on so many test images.  best: the epoch of best.safetensors; None where
    no epoch could be judged, because all were NaN.
    """

    folder: Path
    results: tuple[EpochResult, ...]
    test: dict[str, float]
    test_images: int
    best: EpochResult | None
    configuration: Configuration


def begin(folder: Path | None, configuration: Configuration, callbacks: Iterable[Callback] = ()) -> Trained:
    """Trains what a configuration describes, in a folder that has no run yet; None for a new one, in `RUNS`.

    Ctrl-C leaves a checkpoint and raises KeyboardInterrupt, which says how to go on. Raises RunError where the folder
    has a run, and what `Run`, `Trainer.fit` and `data.load` raise.
    """
    if folder is not None and ((folder / CONFIGURATION).exists() or (folder / LAST).exists()):
        raise RunError(f"{folder}: has a run already; continue it with --resume, or name another folder")
    return _train(folder, configuration.resolved(), callbacks)


def resume(folder: Path, callbacks: Iterable[Callback] = ()) -> Trained:
    """Continues the run in a folder; the last bits are those of a run that was never interrupted.

    A run that is complete is only told of again. Raises as `begin` does, RunError where the folder has no run.
    """
    if not (folder / CONFIGURATION).is_file():
        raise RunError(f"{folder}: is not the folder of a run: it has no {CONFIGURATION}")
    configuration = read_configuration(folder / CONFIGURATION)
    try:
        return _train(folder, configuration, callbacks)
    except CheckpointError as error:
        best = f"{folder / BEST} has the model of the best epoch; " if (folder / BEST).is_file() else ""
        raise CheckpointError(f"{error}; {best}`fastconv train {shlex.quote(str(folder / CONFIGURATION))}` begins "
                              "anew") from error


def _train(folder: Path | None, configuration: Configuration, callbacks: Iterable[Callback]) -> Trained:
    if configuration.tensorboard:
        check_event_files()
    train, test = data.digits() if configuration.data is None else data.load(configuration.data)
    validation = test
    if configuration.hold_out:
        train, validation = data.stratified_split(train, configuration.hold_out, configuration.seed)
    model = configuration.make_model(len(train.classes), configuration.seed)
    check_fit(configuration.model, model, train.images.shape)
    folder = folder or new_folder(configuration.model)
    try:
        return _fit(folder, configuration, callbacks, model, train, validation, test)
    except KeyboardInterrupt as interruption:
        if not (folder / CONFIGURATION).exists():
            raise
        place = f" {interruption}" if interruption.args else ""
        raise KeyboardInterrupt(f"Interrupted{place}. Go on with: fastconv train --resume {shlex.quote(str(folder))}"
                                ) from None


def _fit(folder: Path, configuration: Configuration, callbacks: Iterable[Callback], model: Layer, train: data.Dataset,
         validation: data.Dataset, test: data.Dataset) -> Trained:
    trainer = Trainer(model, configuration.make_optimizer(), clip_grad_norm=configuration.clip_grad_norm,
                      seed=configuration.seed)
    output = configuration.output
    assert output is not None, "a resolved configuration has an output"
    with (Interruption() as interruption, ExitStack() as open_files,
          Run(folder, trainer, configuration.to_table(), configuration.monitor) as run):
        followers = [*callbacks, run]
        if configuration.patience is not None:
            followers.append(EarlyStopping(configuration.patience, configuration.monitor))
        if configuration.tensorboard:
            followers.append(open_files.enter_context(EventFiles(folder)))
        results = trainer.fit(train, configuration.epochs, configuration.batch_size, validation,
                              configuration.make_schedule(), configuration.seed, checkpoint=output,
                              callbacks=[*followers, interruption], augment=configuration.make_augmentation(),
                              start=run.progress)
        if interruption.asked:
            run.checkpoint()
            done = trainer.progress
            raise KeyboardInterrupt(f"in epoch {done.epoch}, after batch {done.batches}")
    save(model, output)
    last = dict(results[-1].validation or {})
    return Trained(folder, tuple(results), trainer.evaluate(test) if configuration.hold_out else last, len(test),
                   best_of(results, configuration.monitor), configuration)
