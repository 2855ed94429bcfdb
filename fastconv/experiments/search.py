"""Searches for good hyper-parameters, on images held out of the training set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastconv.data import Dataset, stratified_split
from fastconv.errors import DataError, DivergenceError
from fastconv.experiments.setting import Setting
from fastconv.experiments.space import Plan
from fastconv.experiments.trial import COMPLETE, Trial
from fastconv.trainer import Callback, EpochResult

if TYPE_CHECKING:
    from fastconv.experiments.study import Claim

#: Of each class, held out to choose by: as many of MNIST's 60,000 as it has test images.
HELD_OUT = 1 / 6


class TrialFollower(Callback):
    """Override what you want to follow of `Search.run`, beside what a Callback follows of each training."""

    def on_trial_start(self, number: int) -> None:
        """Before each trial, with the number of its point."""

    def on_trial_end(self, trial: Trial) -> None:
        """After each trial, whatever came of it."""


@dataclass(frozen=True)
class Final:
    """A trial's setting, trained on the whole training set and measured on the test images.

    diverged: what ended this training; None where nothing did.
    """

    setting: Setting
    accuracy: float | None = None
    loss: float | None = None
    diverged: str | None = None


class Search:
    """Trains the base setting with the parameters of each point of a plan.

    seed: of the held-out part, the first weights and the order of the images, the same for every point.
    storage: a file that keeps the trials, which several processes can share and continue; None for memory.
    Raises ValueError where Optuna is missing or a parameter is none of the optimizer's, DataError for a storage that
    cannot be used or holds another search of this name.
    """

    def __init__(self, base: Setting, plan: Plan, train: Dataset, seed: int = 0, storage: Path | None = None) -> None:
        check_optuna()
        from fastconv.experiments.study import Study

        self.base, self.plan, self.train, self.seed = base, plan, train, seed
        self.settings = [with_parameters(base, point) for point in plan.points]
        self.rest, self.held_out = stratified_split(train, HELD_OUT, seed)
        self._study = Study(f"{base.optimizer} {plan.kind}", plan, self._identity(), storage)

    def run(self, follower: TrialFollower | None = None) -> None:
        """Tries every point that no process has finished. Interrupted, it leaves the point it is at to be tried again.

        A random plan gives up a trial that is worse after an epoch than the median of the complete ones was.
        """
        follower = follower or TrialFollower()
        while (claim := self._study.claim()) is not None:
            follower.on_trial_start(claim.number)
            self._try(claim, follower)
            follower.on_trial_end(next(trial for trial in self.trials() if trial.number == claim.number))

    def trials(self) -> list[Trial]:
        """The finished trials, of all processes, in the order of the plan."""
        return self._study.trials()

    def best(self) -> Trial | None:
        """The complete trial of the highest accuracy, the first of equal ones; None where none is complete."""
        complete = [trial for trial in self.trials() if trial.state == COMPLETE]
        return max(complete, key=lambda trial: trial.accuracies[-1], default=None)

    def retrain(self, trial: Trial, test: Dataset) -> Final:
        """What the trial's setting reaches on `test` after training on everything."""
        setting = self.settings[trial.number]
        try:
            measured = setting.train(self.train, test, self.seed)[-1].validation or {}
        except DivergenceError as error:
            return Final(setting, diverged=str(error))
        return Final(setting, measured["accuracy"], measured["loss"])

    def _try(self, claim: Claim, follower: TrialFollower) -> None:
        setting = self.settings[claim.number]
        try:
            results = setting.train(self.rest, self.held_out, self.seed, (_Reporter(claim, setting.epochs), follower))
        except _Pruned:
            claim.prune()
        except DivergenceError as error:
            claim.diverge(str(error))
        except BaseException:
            claim.give_back()
            raise
        else:
            claim.complete((results[-1].validation or {})["accuracy"])

    def _identity(self) -> dict[str, Any]:
        """All that decides what a trial comes to."""
        digest = hashlib.sha256(self.train.images.data)
        digest.update(self.train.labels.data)
        ranges = {each.name: [each.low, each.high] for each in self.plan.ranges}
        points = {"points": len(self.plan.points)} if self.plan.kind == "grid" else {}
        return {**asdict(self.base), "ranges": ranges, **points, "seed": self.seed, "data": digest.hexdigest()[:16]}


class _Pruned(Exception):
    """Ends a training that is not worth going on with."""


class _Reporter(Callback):
    def __init__(self, claim: Claim, epochs: int) -> None:
        self.claim, self.epochs = claim, epochs

    def on_epoch_end(self, result: EpochResult) -> None:
        hopeless = self.claim.report(result.epoch, (result.validation or {})["accuracy"])
        if hopeless and result.epoch < self.epochs:
            raise _Pruned


def with_parameters(base: Setting, point: Mapping[str, float]) -> Setting:
    """The base with the parameters of a point; those that are no fields of a Setting are options of the optimizer."""
    fields: dict[str, Any] = {name: point[name] for name in ("lr", "batch_size") if name in point}
    options = {name: value for name, value in point.items() if name not in fields}
    return replace(base, **fields, options={**base.options, **options})


def check_optuna() -> None:
    """Raises ValueError where no search can be made."""
    if find_spec("optuna") is None:
        raise ValueError('searches need Optuna: pip install "fastconv[search]"')


def check_storage(path: Path) -> None:
    """Raises DataError where the name of the file does not say its format."""
    if path.suffix not in (".db", ".sqlite", ".journal"):
        raise DataError(f"{path}: expected a name that ends in .db, .sqlite or .journal")


def to_dict(search: Search, final: Final | None) -> dict[str, Any]:
    """Everything, as JSON takes it."""
    best = search.best()
    return {"setting": asdict(search.base), "kind": search.plan.kind, "seed": search.seed,
            "ranges": [asdict(each) for each in search.plan.ranges], "points": len(search.plan.points),
            "train_images": len(search.rest), "held_out_images": len(search.held_out),
            "trials": [asdict(trial) for trial in search.trials()], "best": None if best is None else best.number,
            "final": None if final is None else asdict(final)}
