"""Networks to begin with."""

from collections.abc import Callable

from fastconv.models.lenet import lenet5, lenet5_classic
from fastconv.nn import Sequential

#: Every network by name.
MODELS: dict[str, Callable[..., Sequential]] = {"lenet5": lenet5, "lenet5_classic": lenet5_classic}

__all__ = ["MODELS", "lenet5", "lenet5_classic"]
