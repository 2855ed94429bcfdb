"""What came of one point of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COMPLETE, PRUNED, DIVERGED = "complete", "pruned", "diverged"


@dataclass(frozen=True)
class Trial:
    """One training with the parameters of a point.

    number: of the point in the plan.  state: COMPLETE; PRUNED, given up early as worse than the median; or DIVERGED.
    accuracies: on the held-out images after each epoch it finished.  diverged: what ended it, where it did.
    """

    number: int
    parameters: Mapping[str, float]
    state: str
    accuracies: tuple[float, ...]
    diverged: str | None = None
