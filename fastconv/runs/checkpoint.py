"""Everything a training needs to go on, in one safetensors file: model, optimizer, and how far it has come."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import save as to_bytes

from fastconv.durable import write_file
from fastconv.errors import CheckpointError
from fastconv.serialization import read_tensors
from fastconv.trainer import Plan, Progress

FORMAT = "fastconv run 1"

#: Characters of the header's JSON: many times what it takes.
LONGEST_DESCRIPTION = 10_000

MODEL, TRAINER = "model.", "trainer."


@dataclass(frozen=True)
class Checkpoint:
    """A training after `epochs` epochs and `batches` batches of the next one.

    model, trainer: their state dicts.  loss, seconds: as in `Progress`.
    """

    plan: Plan
    epochs: int
    batches: int
    loss: float
    seconds: float
    model: Mapping[str, NDArray[Any]]
    trainer: Mapping[str, NDArray[Any]]

    def save(self, path: Path) -> None:
        """Writes it, or raises OSError and leaves what was there."""
        progress = {"epochs": self.epochs, "batches": self.batches, "loss": self.loss, "seconds": self.seconds}
        tensors = {f"{MODEL}{name}": array for name, array in self.model.items()}
        tensors |= {f"{TRAINER}{name}": array for name, array in self.trainer.items()}
        metadata = {"format": FORMAT, "run": json.dumps({"plan": asdict(self.plan), "progress": progress})}
        write_file(path, to_bytes(tensors, metadata))


def make_checkpoint(plan: Plan, progress: Progress, model: Mapping[str, NDArray[Any]],
                    trainer: Mapping[str, NDArray[Any]]) -> Checkpoint:
    """The checkpoint of a training that is so far."""
    return Checkpoint(plan, len(progress.results), progress.batches, progress.loss, progress.seconds, model, trainer)


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a file. Nothing in the file is executed; CheckpointError, naming it, for any other file."""
    tensors, metadata = read_tensors(path, "a checkpoint")
    if metadata.get("format") != FORMAT:
        raise CheckpointError(f"{path}: expected a run's checkpoint (format {FORMAT!r}), "
                              f"found format {metadata.get('format')!r}")
    try:
        if len(metadata["run"]) > LONGEST_DESCRIPTION:
            raise ValueError(f"its description is longer than {LONGEST_DESCRIPTION:,} characters")
        description = json.loads(metadata["run"])
        plan = Plan(**{name: _count(description["plan"][name]) for name in ("epochs", "batch_size", "images", "seed")})
        progress = description["progress"]
        epochs, batches = _count(progress["epochs"]), _count(progress["batches"])
        loss, seconds = _number(progress["loss"]), _number(progress["seconds"])
        if plan.batch_size < 1 or epochs > plan.epochs or batches > plan.batches:
            raise ValueError(f"epoch {epochs}, batch {batches} is not in a training of {plan}")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
        raise CheckpointError(f"{path}: does not describe a run: {error}") from error
    return Checkpoint(plan, epochs, batches, loss, seconds, _inside(tensors, MODEL), _inside(tensors, TRAINER))


def _inside(tensors: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in tensors.items() if name.startswith(prefix)}


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"expected a whole number of at least 0, found {value!r}")
    return value


def _number(value: Any) -> float:
    if not isinstance(value, float | int) or not math.isfinite(value):
        raise ValueError(f"expected a number, found {value!r}")
    return float(value)
