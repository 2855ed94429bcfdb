"""Where the time of a network goes, layer by layer: forward, backward, update."""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastconv.engine.memory import At, Buffer, Fixed
from fastconv.engine.operators.loss import KERNELS as LOSSES
from fastconv.engine.program import Call
from fastconv.engine.session import Session
from fastconv.engine.stopwatch import Stopwatch
from fastconv.engine.threads import get_num_threads, set_num_threads
from fastconv.nn import CrossEntropyLoss, MSELoss
from fastconv.nn.layer import Expansion, Layer, Shape
from fastconv.nn.sessions import InferenceSession, LossSession
from fastconv.optim import AdamW
from fastconv.optim.run import OptimizerRun
from fastconv_bench.arithmetic import multiply_adds
from fastconv_bench.machine import Gauge

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"

#: What is no layer's.
IMAGES, LOSS, RESULTS = "images", "loss", "results"

#: Modules whose kernels make gradients out of what the groups of images leave; what follows them is the update.
SUMS = ("fastconv.kernels.gradient", "fastconv.kernels.linear_grad")

#: Where the mean loss is computed too, when all groups are done.
LOSSES_MODULE = "fastconv.kernels.loss"

#: A row: the layers that are computed together, by their places in the network, or the name of what is no layer's.
Key = tuple[int, ...] | str


@dataclass(frozen=True)
class Cost:
    """Seconds of the fastest run and the median one; flop: floating-point operations, taps in the padding left out."""

    best: float = 0.0
    median: float = 0.0
    flop: float = 0.0


@dataclass(frozen=True)
class Row:
    """Layers that are computed together. bytes: of their parameters, and of the memory they are the first to use for
    each group of 16 images; memory whose use has ended is used again, so all together take less."""

    name: str
    layers: str
    costs: Mapping[str, Cost]
    parameter_bytes: int
    group_bytes: int


@dataclass(frozen=True)
class Profile:
    """One thread's work on a batch. peak: FLOP/s of multiply-adds on one core.

    whole: of the program without stamps; summed: of all calls of a run together.
    scratch_bytes: what one thread needs for a group, all layers together.
    """

    kind: str
    images: int
    rows: Sequence[Row]
    peak: float
    whole: Cost
    summed: Cost
    scratch_bytes: int
    repeats: int

    @property
    def total(self) -> float:
        """Seconds of all rows, each in its fastest run."""
        return sum(cost.best for row in self.rows for cost in row.costs.values())

    @property
    def difference(self) -> float:
        """How much longer the rows take than the program without stamps in its fastest run; 0.01 is 1 %."""
        return self.total / self.whole.best - 1


def profile(model: Layer, input_shape: Shape, batch_size: int = 128, training: bool = True,
            repeats: int = 60) -> Profile:
    """Measures a step of training, with AdamW, or inference on uint8 images (C, H, W), in one thread; the model is not
    changed."""
    threads = get_num_threads()
    set_num_threads(1)
    try:
        return _profile(copy.deepcopy(model), input_shape, batch_size, training, repeats)
    finally:
        set_num_threads(threads)


def _profile(model: Layer, input_shape: Shape, batch: int, training: bool, repeats: int) -> Profile:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (batch, *input_shape), np.uint8)
    network = model.expansion()
    shapes = network.shapes(images.shape)
    session: Session
    if training:
        classifies = len(shapes[network.output]) == 2
        loss = CrossEntropyLoss() if classifies else MSELoss()
        steps = OptimizerRun(AdamW(lr=1e-6), model.parameters())
        labels = rng.integers(0, shapes[network.output][1], batch) if classifies else rng.standard_normal(
            shapes[network.output], np.float32)
        targets = loss.targets(labels, shapes[network.output])
        session = LossSession(model, loss, images.shape, images.dtype, batch, training=True, update=steps.update)

        def run() -> None:
            steps.begin(1e-6)
            session.run(batch, images, targets=targets)
            steps.end(1e-6)
    else:
        results = np.empty(shapes[network.output], np.float32)
        session = InferenceSession(model, images.shape, images.dtype)

        def run() -> None:
            session.run(batch, images, results=results)

    gauge = Gauge(1)
    gauge.sample()
    watch = Stopwatch(session)
    each, whole = watch.measure(run, repeats)
    gauge.sample()
    summed = each.sum(axis=1)
    return Profile("training step" if training else "inference", batch, _rows(network, shapes, watch, each),
                   gauge.machine().peak_one_core, _cost(whole), _cost(summed), session.program.scratch_bytes, repeats)


def _cost(seconds: NDArray[np.float64], flop: float = 0.0) -> Cost:
    return Cost(float(seconds.min()), float(np.median(seconds)), flop)


def _rows(network: Expansion, shapes: Sequence[Shape], watch: Stopwatch, each: NDArray[np.float64]) -> list[Row]:
    keys = _keys(network, watch)
    directions = _directions(watch)
    calls: dict[Key, dict[str, list[int]]] = {}
    group_bytes: Counter[Key] = Counter()
    known: set[Buffer] = set()
    for number, ((call, _), key, direction) in enumerate(zip(watch.calls, keys, directions, strict=True)):
        if not each[:, number].any():
            continue  # it packs weights, which only comes before the first run
        calls.setdefault(key, {}).setdefault(direction, []).append(number)
        fresh = set(call.buffers()) - known
        group_bytes[key] += sum(buffer.size for buffer in fresh)
        known |= fresh
    flop = _flop(network, shapes)
    rows = []
    for key in sorted(calls, key=lambda key: (key == RESULTS, key == LOSS, key != IMAGES, key)):
        costs = {direction: _cost(each[:, numbers].sum(axis=1), sum(flop[place, direction] for place in (
            key if isinstance(key, tuple) else ()))) for direction, numbers in calls[key].items()}
        nodes = [network.nodes[place] for place in key] if isinstance(key, tuple) else []
        size = sum(parameter.array.nbytes for node in nodes for parameter in node.layer._parameters.values())
        name = key if isinstance(key, str) else ", ".join(node.name for node in nodes)
        rows.append(Row(name, " + ".join(type(node.layer).__name__ for node in nodes), costs, size, group_bytes[key]))
    return rows


def _keys(network: Expansion, watch: Stopwatch) -> list[Key]:
    """The row of each call. Layers that the forward pass makes no call for are computed with what they read."""
    places = {id(node.layer): place for place, node in enumerate(network.nodes)}
    together: dict[int, set[int]] = {}  # by the layer whose calls they are
    for call, _ in watch.calls[:_loss_call(watch)]:
        members = _members(call.part, places)
        if members:
            together.setdefault(members[0], set()).update(members)
    leader = {place: first for first, members in together.items() for place in members}
    for place, node in enumerate(network.nodes):
        if place not in leader:
            leader[place] = leader.get(node.inputs[0] - 1, place)
            together.setdefault(leader[place], set()).add(place)
    owners = _owners(network, watch.session)
    made: list[Key] = []
    begun = False  # whether any layer has been called
    for number, (call, grouped) in enumerate(watch.calls):
        members = _members(call.part, places)
        owner = None if grouped else _owner(call, owners)
        layer = members[0] if members else owner
        if layer is not None:
            made.append(tuple(sorted(together[leader[layer]])))
        elif number >= _loss_call(watch) or not grouped:
            made.append(LOSS)
        else:
            made.append(RESULTS if begun else IMAGES)
        begun |= grouped and layer is not None
    return made


def _directions(watch: Stopwatch) -> list[str]:
    loss, made = _loss_call(watch), []
    for number, (call, grouped) in enumerate(watch.calls):
        module = call.kernel.function.__module__
        updates = not grouped and call.part is None and module not in SUMS
        made.append(FORWARD if number <= loss or module == LOSSES_MODULE else UPDATE if updates else BACKWARD)
    return made


def _loss_call(watch: Stopwatch) -> int:
    """The number of the call that computes the loss; in inference that of calls."""
    return next((number for number, (call, _) in enumerate(watch.calls) if call.kernel in LOSSES.values()),
                len(watch.calls))


def _members(part: object, places: Mapping[int, int]) -> list[int]:
    """The places of the layers that a call was emitted for: one, or those that are fused."""
    return [places[id(each)] for each in (part, *vars(part or object).values()) if id(each) in places]


def _owners(network: Expansion, session: Session) -> dict[int, int]:
    """The layers whose parameters, or gradients, arrays are."""
    gradients = session.gradients if isinstance(session, LossSession) else {}
    return {id(array): place for place, node in enumerate(network.nodes)
            for parameter in node.layer._parameters.values()
            for array in (parameter.array, gradients.get(parameter)) if array is not None}


def _owner(call: Call, owners: Mapping[int, int]) -> int | None:
    """The layer whose arrays a call works on."""
    values = [value.buffer if isinstance(value, At) else value for value in call.records[0].values()]
    found = [owners[id(value.array)] for value in values if isinstance(value, Fixed) and id(value.array) in owners]
    return found[0] if found else None


def _flop(network: Expansion, shapes: Sequence[Shape]) -> dict[tuple[int, str], float]:
    """Of a batch, by a layer's place and the direction. The gradient of a layer's input is as much as its output, if
    anything in front of it learns, and so is that of its weight."""
    flop: defaultdict[tuple[int, str], float] = defaultdict(float)
    learns = [False]
    for place, node in enumerate(network.nodes):
        layer, trained = node.layer, node.layer.trainable and bool(node.layer._parameters)
        once = shapes[0][0] * multiply_adds(layer, shapes[node.inputs[0]]) * 2.0
        before = any(learns[value] for value in node.inputs)
        flop[place, FORWARD] = once
        flop[place, BACKWARD] = once * (trained + before)
        learns.append(trained or before)
    return flop
