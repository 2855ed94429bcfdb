"""What is done in one pass, or in another order, although it is two layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fastconv.nn.acon import MetaAconC
from fastconv.nn.activation import Elementwise, ReLU
from fastconv.nn.layer import Layer
from fastconv.nn.pooling import MaxPool2d


@dataclass(frozen=True)
class PooledActivation:
    """An activation with the max pooling behind it, in one pass."""

    activation: Layer
    pooling: MaxPool2d


def fused(layers: Iterable[Layer]) -> Iterator[Layer | PooledActivation]:
    """The layers, with each activation that is followed by a max pooling moved into or behind it.

    The maximum of f(x) is f of the maximum of x if f never decreases: then f is computed for the maxima alone. A ReLU
    stays where it is, because it costs nothing in the convolution before it.
    """
    waiting: Layer | None = None
    for layer in layers:
        if isinstance(layer, MaxPool2d) and waiting is not None:
            if isinstance(waiting, Elementwise) and waiting.increasing:
                yield from (layer, waiting)
            else:
                yield PooledActivation(waiting, layer)
            waiting = None
            continue
        if waiting is not None:
            yield waiting
        waiting = layer if isinstance(layer, Elementwise | MetaAconC) and not isinstance(layer, ReLU) else None
        if waiting is None:
            yield layer
    if waiting is not None:
        yield waiting
