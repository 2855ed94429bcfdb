"""The trials of a search in a storage that processes share: the one file that knows Optuna."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import MedianPruner, NopPruner
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import URL
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from fastconv.errors import DataError
from fastconv.experiments.search import check_storage
from fastconv.experiments.space import Plan
from fastconv.experiments.trial import COMPLETE, DIVERGED, PRUNED, Trial

#: Trials that must be complete before their median prunes others: Optuna's default.
UNPRUNED_TRIALS = 5

#: How long a process waits for another's write to an SQLite file.
PATIENCE_SECONDS = 60

#: How often, and after what pause, a process opens an SQLite file that others may be making.
ATTEMPTS, PAUSE_SECONDS = 10, 0.2

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
NUMBER, REASON = "number", "diverged"  # attributes of Optuna's trials


@dataclass(frozen=True)
class Claim:
    """A point of the plan that this process tries."""

    number: int
    study: optuna.Study
    trial: optuna.Trial

    def report(self, epoch: int, accuracy: float) -> bool:
        """Records an epoch's accuracy; returns whether it is worse than the median of the complete trials."""
        self.trial.report(accuracy, epoch)
        return bool(self.trial.should_prune())

    def complete(self, accuracy: float) -> None:
        self.study.tell(self.trial, accuracy)

    def prune(self) -> None:
        self.study.tell(self.trial, state=TrialState.PRUNED)

    def diverge(self, reason: str) -> None:
        self.trial.set_user_attr(REASON, reason)
        self.prune()

    def give_back(self) -> None:
        """Leaves the point to be tried again."""
        self.study.tell(self.trial, state=TrialState.FAIL)


class Study:
    """What has been tried of a plan, by this process or others.

    identity: all that decides a trial's result; a storage that holds the name with another one is refused. What the
    storage of an earlier version does not know of was None for its trials.
    storage: a file, .db or .sqlite for SQLite, .journal for Optuna's journal; None for memory.
    Raises DataError for a file that cannot be used.
    """

    def __init__(self, name: str, plan: Plan, identity: Mapping[str, Any], storage: Path | None) -> None:
        self.plan = plan
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        pruner = MedianPruner(n_startup_trials=UNPRUNED_TRIALS) if plan.prunes else NopPruner()
        try:
            self._study = optuna.create_study(
                study_name=name, storage=_open(storage), sampler=_Planned(plan), pruner=pruner, direction="maximize",
                load_if_exists=True)
            # Asked first: whoever has made a trial had written all of its identity before.
            begun = bool(self._study.get_trials(deepcopy=False))
            for key, value in identity.items():
                self._agree(key, value, begun, storage)
        except (SQLAlchemyError, optuna.exceptions.OptunaError, KeyError, json.JSONDecodeError) as error:
            reason = str(getattr(error, "orig", error) or error)
            raise DataError(f"{storage}: cannot be used as a storage: {reason}") from error

    def claim(self) -> Claim | None:
        """A point that no other process has, or if others have all that are left, one of those: theirs may have died.

        None when every point is finished.
        """
        while len(self.trials()) < len(self.plan.points):
            trial = self._study.ask()
            number = self._choose(trial.number)
            claim = Claim(-1 if number is None else number, self._study, trial)
            if number is None:  # the last was finished meanwhile
                claim.give_back()
                continue
            trial.set_user_attr(NUMBER, number)
            for each in self.plan.ranges:
                if each.whole:
                    trial.suggest_int(each.name, int(each.low), int(each.high), log=True)
                else:
                    trial.suggest_float(each.name, each.low, each.high, log=not each.near_one)
            return claim
        return None

    def trials(self) -> list[Trial]:
        """The finished trials of the plan's points, in its order, one a point."""
        finished: dict[int, Trial] = {}
        for trial in self._study.get_trials(deepcopy=False, states=FINISHED):
            number = trial.user_attrs.get(NUMBER)
            if number is not None and number < len(self.plan.points):
                finished.setdefault(number, _result(number, trial))
        return [finished[number] for number in sorted(finished)]

    def _choose(self, own: int) -> int | None:
        """The point for Optuna's trial number `own`.

        Two processes may choose at once: each leaves as many free points as earlier trials have yet to choose.
        """
        running = [trial for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
                   if trial.number != own]
        finished = {trial.number for trial in self.trials()}
        tried = {trial.user_attrs[NUMBER] for trial in running if NUMBER in trial.user_attrs}
        ahead = len([trial for trial in running if NUMBER not in trial.user_attrs and trial.number < own])
        unfinished = [number for number in range(len(self.plan.points)) if number not in finished]
        free = [number for number in unfinished if number not in tried]
        if ahead < len(free):
            return free[ahead]
        return unfinished[0] if unfinished else None

    def _agree(self, key: str, value: Any, begun: bool, storage: Path | None) -> None:
        value = json.loads(json.dumps(value))
        if key not in self._study.user_attrs and not begun:
            self._study.set_user_attr(key, value)
        found = self._study.user_attrs.get(key)
        if found != value:
            raise DataError(f"{storage}: holds a search with {key} {_in_words(found)}, not {_in_words(value)}; "
                            "continue it as it was begun, or use another file")


class _Planned(BaseSampler):
    """Gives a trial the values of its point."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
                        ) -> dict[str, Any]:
        return {}

    def sample_independent(self, study: optuna.Study, trial: FrozenTrial, param_name: str,
                           param_distribution: BaseDistribution) -> Any:
        return self.plan.points[trial.user_attrs[NUMBER]][param_name]


def _open(path: Path | None) -> BaseStorage:
    if path is None:
        return InMemoryStorage()
    check_storage(path)
    if path.suffix == ".journal":
        _check_journal(path)
        # Symbolic links lock also on network file systems; on Windows they need rights that few users have.
        lock = JournalFileOpenLock(str(path)) if os.name == "nt" else JournalFileSymlinkLock(str(path))
        return JournalStorage(JournalFileBackend(str(path), lock))
    return _open_sqlite(path)


def _open_sqlite(path: Path) -> BaseStorage:
    """The storage in an SQLite file. Processes that make a new one's tables at the same time disturb each other."""
    url = URL.create("sqlite", database=str(path)).render_as_string()
    settings = {"connect_args": {"timeout": PATIENCE_SECONDS}}
    for _ in range(ATTEMPTS):
        try:
            return RDBStorage(url, settings)
        except (OperationalError, IntegrityError):
            time.sleep(PAUSE_SECONDS)
    return RDBStorage(url, settings)


def _check_journal(path: Path) -> None:
    """Raises DataError for a file that Optuna would append to although it is something else."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        try:
            valid = "op_code" in json.loads(file.readline(1 << 20))
        except (ValueError, TypeError):
            valid = False
    if not valid:
        raise DataError(f"{path}: cannot be used as a storage: not a journal of Optuna's")


def _result(number: int, trial: FrozenTrial) -> Trial:
    state = COMPLETE if trial.state == TrialState.COMPLETE else DIVERGED if REASON in trial.user_attrs else PRUNED
    accuracies = tuple(accuracy for _, accuracy in sorted(trial.intermediate_values.items()))
    return Trial(number, dict(trial.params), state, accuracies, trial.user_attrs.get(REASON))


def _in_words(value: Any) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
