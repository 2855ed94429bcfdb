"""Networks in which a value may have several readers, and a layer several inputs."""

from __future__ import annotations

from collections.abc import Iterable

from fastconv.errors import ShapeError
from fastconv.nn.container import Container
from fastconv.nn.layer import Layer, Node, Shape, joined

#: What a graph's nodes call the batch it is given.
INPUT = "input"


class Graph(Container):
    """Named layers, each of which reads the values of others: a network of any shape without cycles.

    nodes: (name, layer, the names of what it reads) in the order of computation. "input" is what the graph is given.
    output: the name of the node whose value the graph returns; the last one by default.
    A state dict names the layers by their nodes.
    """

    def __init__(self, nodes: Iterable[tuple[str, Layer, Iterable[str] | str]], output: str | None = None) -> None:
        listed = [(name, layer, (inputs,) if isinstance(inputs, str) else tuple(inputs))
                  for name, layer, inputs in nodes]
        known = {INPUT}
        for name, _, inputs in listed:
            if not isinstance(name, str) or not name or name in known:
                raise ValueError(f"Graph: each node needs a name of its own, got {name!r}")
            if not inputs or not known.issuperset(inputs):
                raise ValueError(f"Graph: {name!r} has to read earlier nodes or {INPUT!r}, got {inputs}")
            known.add(name)
        if output is not None and output not in known:
            raise ValueError(f"Graph: no node is called {output!r}, which is to be the output")
        self.inputs = {name: inputs for name, _, inputs in listed}
        self.output = (listed[-1][0] if listed else INPUT) if output is None else output
        super().__init__(((name, layer) for name, layer, _ in listed), nodes=listed, output=self.output)

    def expand(self, nodes: list[Node], name: str, *values: int) -> int:
        (value,) = values
        made = {INPUT: value}
        for child, layer in self.children.items():
            read = (made[each] for each in self.inputs[child])
            made[child] = layer.expand(nodes, joined(name, child), *read)
        return made[self.output]


class Add(Layer):
    """The sum of its inputs, of one shape."""

    def __init__(self) -> None:
        super().__init__()

    def output_shape(self, shape: Shape, *others: Shape) -> Shape:
        if any(other != shape for other in others):
            raise ShapeError(f"expected inputs of one shape, got {', '.join(map(str, (shape, *others)))}")
        return shape


class Multiply(Layer):
    """The product of two inputs of one shape, or of (N, C, H, W) and a factor (N, C, 1, 1) in either order."""

    def __init__(self) -> None:
        super().__init__()

    def output_shape(self, shape: Shape, *others: Shape) -> Shape:
        if len(others) == 1:
            for whole, factor in ((shape, *others), (*others, shape)):
                if factor in (whole, (*whole[:2], 1, 1)):
                    return whole
        raise ShapeError("expected two inputs of one shape, or one of them (N, C, 1, 1), got "
                         f"{', '.join(map(str, (shape, *others)))}")


class Residual(Container):
    """body(x) + shortcut(x) (He et al. 2016, equation 1).

    shortcut: x itself by default.
    """

    def __init__(self, body: Layer, shortcut: Layer | None = None) -> None:
        self._sum = Add()
        children = {"body": body} if shortcut is None else {"body": body, "shortcut": shortcut}
        super().__init__(children.items(), body=body, shortcut=shortcut)

    def expand(self, nodes: list[Node], name: str, *values: int) -> int:
        made = [layer.expand(nodes, joined(name, child), *values) for child, layer in self.children.items()]
        return self._sum.expand(nodes, joined(name, "add"), *(made if len(made) == 2 else [*made, *values]))
