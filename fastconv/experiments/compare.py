"""One model trained in several ways, each with several seeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean, stdev
from typing import Any

from fastconv.data import Dataset
from fastconv.errors import DivergenceError
from fastconv.experiments.setting import Setting
from fastconv.trainer import Callback, EpochResult

BEST, TIED, DIVERGED = "best", "within the spread of the best", "diverged"


@dataclass(frozen=True)
class Run:
    """One training from one seed.

    name: of the entry it belongs to.  lr: the learning rate that its schedule starts from.
    epochs: those it finished.  diverged: what ended it early; None where nothing did.
    """

    name: str
    seed: int
    lr: float
    epochs: tuple[EpochResult, ...]
    diverged: str | None = None

    @property
    def seconds(self) -> float:
        """Of training, without the measurements on test images."""
        return sum(epoch.seconds for epoch in self.epochs)

    def tested(self, metric: str) -> list[float]:
        """The test images' "loss" or "accuracy" after each epoch."""
        return [(epoch.validation or {})[metric] for epoch in self.epochs]


@dataclass(frozen=True)
class Spread:
    """Over the seeds: mean, standard deviation (of a sample: n - 1; None for one seed), lowest and highest."""

    mean: float
    deviation: float | None
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(fmean(values), stdev(values) if len(values) > 1 else None, min(values), max(values))


@dataclass(frozen=True)
class Standing:
    """Where an entry came. Its figures are those of the last epoch, over the seeds that did not diverge.

    verdict: BEST; TIED, if its best seed is at least as accurate as the worst one of the best; DIVERGED, if any of its
    runs did; else empty.
    """

    name: str
    lr: float
    seeds: int
    diverged: int
    accuracy: Spread | None
    loss: Spread | None
    training_loss: Spread | None
    seconds: Spread | None
    verdict: str = ""


@dataclass(frozen=True)
class Comparison:
    """Runs that differ in one thing, `kind`: "optimizer", "activation" or "schedule"."""

    kind: str
    base: Setting
    train_images: int
    test_images: int
    runs: tuple[Run, ...]

    def entries(self) -> dict[str, list[Run]]:
        """The runs of each entry by its name, in the order of the standings."""
        return {standing.name: self._runs(standing.name) for standing in self.standings()}

    def standings(self) -> list[Standing]:
        """The entries by falling mean accuracy, those with diverged runs behind all others.

        With a single seed nothing is known of the spread, and no entry is called the best.
        """
        standings = [self._standing(name) for name in dict.fromkeys(run.name for run in self.runs)]
        standings.sort(key=lambda each: (each.diverged, -each.accuracy.mean if each.accuracy else 0.0))
        best = standings[0].accuracy if standings and not standings[0].diverged else None
        if best is None or best.deviation is None:
            return standings
        tied = [each.accuracy is not None and not each.diverged and each.accuracy.highest >= best.lowest
                for each in standings]
        return [replace(standings[0], verdict=BEST),
                *(replace(each, verdict=TIED) if same else each
                  for each, same in zip(standings[1:], tied[1:], strict=True))]

    def to_dict(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        setting = asdict(self.base)
        del setting[self.kind]
        return {"compared": self.kind, "setting": setting, "train_images": self.train_images,
                "test_images": self.test_images, "standings": [asdict(each) for each in self.standings()],
                "runs": [asdict(run) for run in self.runs]}

    def _runs(self, name: str) -> list[Run]:
        return [run for run in self.runs if run.name == name]

    def _standing(self, name: str) -> Standing:
        runs = self._runs(name)
        finished = [run for run in runs if run.diverged is None]
        diverged = len(runs) - len(finished)
        verdict = DIVERGED if diverged else ""
        if not finished:
            return Standing(name, runs[0].lr, len(runs), diverged, None, None, None, None, verdict)
        return Standing(
            name, runs[0].lr, len(runs), diverged,
            Spread.of([run.tested("accuracy")[-1] for run in finished]),
            Spread.of([run.tested("loss")[-1] for run in finished]),
            Spread.of([run.epochs[-1].loss for run in finished]),
            Spread.of([run.seconds for run in finished]), verdict)


class Follower(Callback):
    """Override what you want to follow of `train_all`, beside what a Callback follows of each run."""

    def on_run_start(self, name: str, seed: int) -> None:
        """Before each run."""

    def on_run_end(self, run: Run) -> None:
        """After each run, diverged or not."""


def settings_of(kind: str, names: Iterable[str], base: Setting) -> dict[str, Setting]:
    """The base with each name in place of its `kind`. Raises ValueError for a name that is not registered."""
    changes: list[dict[str, Any]] = [{kind: name} for name in names]
    return {change[kind]: replace(base, **change) for change in changes}


def train_all(settings: Mapping[str, Setting], seeds: Iterable[int], train: Dataset, test: Dataset,
              follower: Follower | None = None) -> list[Run]:
    """The run of each setting with each seed, one after the other.

    The seed decides the first weights and the order of the images, the same for every setting. Seeds are the outer
    loop, so that a machine that becomes slower does so for all. A diverged run is a result like others.
    """
    follower, runs = follower or Follower(), []
    for seed in seeds:
        for name, setting in settings.items():
            follower.on_run_start(name, seed)
            runs.append(_train(name, setting, seed, train, test, follower))
            follower.on_run_end(runs[-1])
    return runs


class _Recorder(Callback):
    def __init__(self) -> None:
        self.epochs: list[EpochResult] = []

    def on_epoch_end(self, result: EpochResult) -> None:
        self.epochs.append(result)


def _train(name: str, setting: Setting, seed: int, train: Dataset, test: Dataset, follower: Follower) -> Run:
    recorder, diverged = _Recorder(), None
    try:
        setting.train(train, test, seed, (recorder, follower))
    except DivergenceError as error:
        diverged = str(error)
    return Run(name, seed, setting.make_optimizer().lr, tuple(recorder.epochs), diverged)
