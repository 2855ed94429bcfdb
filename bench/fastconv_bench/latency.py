"""How long a call takes, and how evenly: `python -m fastconv_bench.latency`.

The engine, NumPy (`fastconv.infer`) and ONNX Runtime, where it is installed, with one thread and with all of them, in
turns; every call is timed. Plain Python shows what the machine itself adds to a call now and then.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import numpy as np

import fastconv as fc
from fastconv import infer
from fastconv_bench.peers import has_onnx_runtime, onnx_session
from fastconv_bench.timing import wait_until_idle

DIGIT = (1, 28, 28)

#: Calls of a contender in one turn.
TURN = 500


def contenders(name: str, batch: int) -> dict[str, Callable[[], object]]:
    """What is timed: calls of the built-in network `name`, its weights as drawn, with so many images."""
    model = fc.models.MODELS[name]()
    x = np.random.default_rng(0).standard_normal((batch, *(model.input_shape or DIGIT)), np.float32)
    with tempfile.TemporaryDirectory() as folder:
        fc.save(model, Path(folder) / "model.safetensors")
        numpy_model = infer.load(Path(folder) / "model.safetensors")
    calls: dict[str, Callable[[], object]] = {"fastconv": lambda: model(x), "NumPy": lambda: numpy_model(x)}
    if has_onnx_runtime():
        calls |= {f"ONNX Runtime, {n} thread{'s'[:n - 1]}": onnx_session(model, x, n)
                  for n in sorted({1, fc.get_num_threads()})}
    return calls | {"plain Python": lambda: sum(range(1000))}


def durations(calls: Mapping[str, Callable[[], object]], count: int) -> dict[str, np.ndarray]:
    """The seconds of so many calls of each, after a hundred that are not counted."""
    for call in calls.values():
        for _ in range(100):
            call()
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for start in range(0, count, TURN):
        for name, call in calls.items():
            wait_until_idle()
            call()
            for _ in range(min(TURN, count - start)):
                begun = time.perf_counter()
                call()
                seconds[name].append(time.perf_counter() - begun)
    return {name: np.array(each) for name, each in seconds.items()}


def lines(seconds: Mapping[str, np.ndarray]) -> list[str]:
    """A line for each contender: its median, that as a ratio to the first one's, and the 99th percentile."""
    medians = {name: float(np.median(each)) for name, each in seconds.items()}
    first = next(iter(medians.values()))
    return [f"{name:26} median {medians[name] * 1e6:9,.1f} µs  {medians[name] / first:6.2f}×   "
            f"99th percentile {np.percentile(each, 99) / medians[name]:5.2f}× the median"
            for name, each in seconds.items()]


@click.command()
@click.argument("models", nargs=-1, type=click.Choice(list(fc.models.MODELS)))
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Images in a call.")
@click.option("--calls", type=click.IntRange(min=1), default=20_000, show_default=True, help="Of each contender.")
def main(models: tuple[str, ...], batch: int, calls: int) -> None:
    """Time calls of MODELS, built-in networks; without any, of LeNet-5."""
    for name in models or ("lenet5",):
        click.echo(f"{name}, {batch} image{'s'[:batch - 1]}")
        for line in lines(durations(contenders(name, batch), calls)):
            click.echo(f"  {line}")


if __name__ == "__main__":
    main()
