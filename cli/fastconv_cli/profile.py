"""`fastconv profile`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from fastconv_cli.networks import DIGIT, network_of
from fastconv_cli.options import batch_size_option, input_option, json_option, print_document, print_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fastconv_bench.profile import Profile, Row


@click.command()
@click.argument("model", metavar="MODEL", default="lenet5")
@batch_size_option("Images that are computed together.")
@click.option("--inference", is_flag=True, help="Only what a trained network does, instead of a training step.")
@input_option()
@click.option("--repeats", type=click.IntRange(min=1), default=60, show_default=True, metavar="N",
              help="How often the batch is run; times are those of the fastest runs.")
@json_option
def profile(model: str, batch_size: int, inference: bool, input_shape: tuple[int, int, int] | None, repeats: int,
            as_json: bool) -> None:
    """Show where a network's time goes, layer by layer, on one core.

    MODEL is the name of a network (lenet5, resnet8, ...) or a saved file; lenet5 where it is not given.
    """
    from fastconv_bench.profile import profile as measure
    from fastconv_cli.compiling import announce_compiling

    network = network_of(model)
    with announce_compiling():
        result = measure(network, input_shape or network.input_shape or DIGIT, batch_size, not inference, repeats)
    if as_json:
        print_document({"model": model, **asdict(result), "total": result.total, "difference": result.difference})
        return
    print_table(render(model, result))


def render(model: str, result: Profile) -> RenderableType:
    """The table, and how far it can be trusted."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    directions = [each for each in ("forward", "backward", "update")
                  if any(each in row.costs for row in result.rows)]
    heading = f"{model}, {result.kind}, batch {result.images}, one core"
    table = Table(title=heading, title_justify="left", show_footer=True)
    table.add_column("name", footer="total")
    table.add_column("layers")
    for each in directions:
        spent = sum(row.costs[each].best for row in result.rows if each in row.costs)
        table.add_column(f"{each}\nµs", footer=_micro(spent), justify="right")
        if each != "update":
            table.add_column("GFLOP/s\n% of peak", footer=_rate(result, each, None), justify="right")
    table.add_column("share", footer="100.0%", justify="right")
    parameters = sum(row.parameter_bytes for row in result.rows)
    table.add_column("parameters", footer=_bytes(parameters), justify="right")
    table.add_column("a group's\nmemory", footer=_bytes(sum(row.group_bytes for row in result.rows)), justify="right")
    for row in result.rows:
        cells = []
        for each in directions:
            cells.append(_micro(row.costs[each].best) if each in row.costs else "")
            if each != "update":
                cells.append(_rate(result, each, row))
        share = sum(cost.best for cost in row.costs.values()) / result.total
        table.add_row(row.name, row.layers, *cells, f"{share:.1%}", _bytes(row.parameter_bytes),
                      _bytes(row.group_bytes))
    notes = (
        f"Each the fastest of {result.repeats} runs: together {_micro(result.total)} µs. The program without time "
        f"stamps took {_micro(result.whole.best)} µs: a difference of {result.difference:+.1%}.",
        f"Multiply-add peak of this core, measured before and after: {result.peak / 1e9:,.0f} GFLOP/s. Winograd's "
        "fewer multiplications can beat it.",
        "Memory is used again when its use has ended: "
        f"a thread takes {_bytes(result.scratch_bytes)} of scratch memory.",
    )
    return Group(table, *(Text(note) for note in notes))


def _micro(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f}" if seconds >= 1e-5 else f"{seconds * 1e6:.1f}"


def _rate(result: Profile, direction: str, row: Row | None) -> str:
    """GFLOP/s and % of peak of a row, or of all that have arithmetic."""
    costs = [each.costs[direction] for each in (result.rows if row is None else [row])
             if direction in each.costs and each.costs[direction].flop]
    if not costs:
        return ""
    rate = sum(cost.flop for cost in costs) / sum(cost.best for cost in costs)
    return f"{rate / 1e9:,.1f}  {rate / result.peak:4.0%}"


def _bytes(count: int) -> str:
    return f"{count / 1024:,.1f} KiB" if count else ""
