"""What describes a run: the names and numbers of a TOML file, or of the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from fastconv.callbacks import MONITORS
from fastconv.errors import RunError
from fastconv.experiments.setting import Setting
from fastconv.optim.optimizer import check, check_positive
from fastconv.runs.run import read_toml

#: What a TOML value of each kind of field may be.
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text"), "int": ((int,), "a whole number"), "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"), "Mapping[str, float]": ((dict,), "a table of numbers")}


@dataclass(frozen=True)
class Configuration(Setting):
    """A setting, and everything else that a run depends on.

    seed: of the first weights, the order of the images, and the held-out ones.
    data: as for `fastconv.data.load`; None for the embedded digits.
    hold_out: the share of each class of the training images that the epochs are judged by, instead of by the test
    images, which are then used once, at the end.
    patience: epochs without a better one after which the run ends; None for no such end.
    monitor: one of `callbacks.MONITORS`, by which the best epoch is chosen and patience is lost.
    clip_grad_norm: as in `Trainer`.
    tensorboard: whether event files are written too.
    output: where the model goes; None for the model's name with .safetensors.
    Raises ValueError for a value that is out of range.
    """

    schedule: str = "one-cycle"
    seed: int = 0
    data: str | None = None
    hold_out: float = 0.0
    patience: int | None = None
    monitor: str = "validation_accuracy"
    clip_grad_norm: float | None = None
    tensorboard: bool = False
    output: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.seed < 0:
            raise ValueError(f"seed must be at least 0, got {self.seed}")
        if self.monitor not in MONITORS:
            raise ValueError(f"monitor: expected one of {', '.join(MONITORS)}, got {self.monitor!r}")
        check("hold_out", self.hold_out, below=1)
        if self.clip_grad_norm is not None:
            check_positive("clip_grad_norm", self.clip_grad_norm)

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """The configuration in a TOML table; ValueError for names and kinds of values that it does not have."""
        kinds = {field.name: str(field.type).removesuffix(" | None") for field in fields(cls)}
        unknown = sorted(table.keys() - kinds.keys())
        if unknown:
            raise ValueError(f"unknown {', '.join(unknown)}; there are {', '.join(kinds)}")
        for name, value in table.items():
            accepted, words = _KINDS[kinds[name]]
            if not isinstance(value, accepted) or (isinstance(value, bool) and bool not in accepted):
                raise ValueError(f"{name}: expected {words}, got {value!r}")
        for name, value in table.get("options", {}).items():
            if not isinstance(value, int | float):
                raise ValueError(f"options.{name}: expected a number, got {value!r}")
        return cls(**table)

    def resolved(self) -> Self:
        """The same with nothing left open: the learning rate, and paths that do not depend on the current folder."""
        data = self.data
        if data is not None and os.path.exists(data):
            data = os.path.abspath(data)
        return replace(self, lr=self.make_optimizer().lr, data=data,
                       output=os.path.abspath(self.output or f"{self.model}.safetensors"))

    def to_table(self) -> dict[str, Any]:
        """What `from_table` takes; what is None is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None and value != {}}


def read_configuration(path: Path) -> Configuration:
    """The configuration in a TOML file; RunError that names it, and what is wrong."""
    try:
        return Configuration.from_table(read_toml(path))
    except RunError:
        raise
    except (ValueError, TypeError) as error:
        raise RunError(f"{path}: {error}") from error
