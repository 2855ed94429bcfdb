"""Graphs that are written down layer by layer."""

from __future__ import annotations

from fastconv.nn import Graph, Layer
from fastconv.nn.graph import INPUT


class Chain:
    """Collects a graph's nodes. Each reads the one before it, unless it is told what to read."""

    def __init__(self) -> None:
        self._nodes: list[tuple[str, Layer, tuple[str, ...]]] = []
        self.last = INPUT

    def add(self, name: str, layer: Layer, *reads: str) -> str:
        """Adds a layer and returns its name."""
        self._nodes.append((name, layer, reads or (self.last,)))
        self.last = name
        return name

    def graph(self, input_shape: tuple[int, int, int]) -> Graph:
        """The graph of all layers, for images (C, H, W)."""
        graph = Graph(self._nodes)
        graph.input_shape = input_shape
        return graph
