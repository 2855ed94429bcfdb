"""`fastconv landscape`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fastconv_cli.names import parse_names
from fastconv_cli.options import FILE, POSITIVE, check_picture, check_writable, json_option, print_document

if TYPE_CHECKING:
    from rich.table import Table

    from fastconv.experiments.landscape import Function, Trajectory


def parse_place(context: click.Context, parameter: click.Parameter, text: str | None) -> tuple[float, float] | None:
    """The two numbers that a comma stands between."""
    if text is None:
        return None
    try:
        x, y = map(float, text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a place: expected two numbers, as in -4,1.5.") from None
    if not (math.isfinite(x) and math.isfinite(y)):
        raise click.BadParameter(f"{text!r} is not a place: expected finite numbers.")
    return x, y


@click.command()
@click.option("--optimizers", default="sgd,momentum,adam,gd-armijo,cg,lbfgs", show_default=True,
              metavar="NAME[=LR],…|all",
              help="Optimizers and full-batch methods, each perhaps with its own learning rate.")
@click.option("--function", "function_name", type=click.Choice(["quadratic", "rosenbrock"]), default="quadratic",
              show_default=True, help="quadratic: x²/2 + RHO·y²/2.  rosenbrock: (1 - x)² + 100(y - x²)².")
@click.option("--rho", type=POSITIVE, metavar="RHO",
              help="The quadratic's condition number.  [default: 10]")
@click.option("--steps", type=click.IntRange(min=1), metavar="N",
              help="Steps of each; those that choose their steps end where they have converged.  "
                   "[default: 100, or 500 on rosenbrock]")
@click.option("--lr", type=POSITIVE, metavar="RATE",
              help="Learning rate where none stands after the name.  [default: one that suits each]")
@click.option("--start", metavar="X,Y", callback=parse_place, help="Where they start.  [default: -4,1.5, or -0.7,2]")
@click.option("--output", type=FILE, metavar="FILE.png", callback=check_picture,
              help='The picture; needs matplotlib ("fastconv[plots]").  [default: landscape.png; none with --json]')
@json_option
def landscape(
    optimizers: str, function_name: str, rho: float | None, steps: int | None, lr: float | None,
    start: tuple[float, float] | None, output: Path | None, as_json: bool,
) -> None:
    """Draw the ways that optimizers take across a function.

    The function has two variables.

    Optimizers such as sgd or adam make steps of a given learning rate, with the update that training uses; methods such
    as newton or lbfgs find the length of each step by a line search.
    """
    from rich.console import Console

    from fastconv.experiments.landscape import quadratic, rosenbrock, trajectory
    from fastconv.optim import METHODS, OPTIMIZERS
    from fastconv.plots.landscape import save_landscape
    from fastconv.plots.picture import check_plot
    from fastconv_cli.compiling import announce_compiling

    if function_name == "rosenbrock" and rho is not None:
        raise click.UsageError("--rho belongs to --function quadratic.")
    rates = parse_rates(optimizers, [*OPTIMIZERS, *METHODS])
    for name, rate in rates.items():
        if name in METHODS and rate is not None:
            raise click.BadParameter(f"{name!r} has no learning rate: a line search chooses its steps.",
                                     param_hint="'--optimizers'")
    if output is None and not as_json:
        output = Path("landscape.png")
    if output is not None:
        check_writable(output)
        check_plot(output)
    function = rosenbrock() if function_name == "rosenbrock" else quadratic(10.0 if rho is None else rho)
    with announce_compiling():
        trajectories = [trajectory(name, function, start, steps, None if name in METHODS else rate or lr)
                        for name, rate in rates.items()]
    if output is not None:
        save_landscape(function, trajectories, output)
    if as_json:
        print_document({"function": function_name, "formula": function.formula, "minimum": function.minimum,
                        "output": None if output is None else str(output),
                        "trajectories": [each.to_dict() for each in trajectories]})
    else:
        Console().print(render(function, trajectories))
        click.echo(f"Picture saved in {output}")


def parse_rates(text: str, known: list[str]) -> dict[str, float | None]:
    """The names in `text`, between commas, each with its learning rate, if one follows it as in "adam=0.1"."""
    parts = [part.partition("=") for part in text.split(",")]
    names = parse_names(",".join(name for name, _, _ in parts), known, "--optimizers")
    rates = {name.strip(): _rate(name, rate) for name, equals, rate in parts if equals}
    return {name: rates.get(name, rates.get("all")) for name in names}


def _rate(name: str, rate: str) -> float:
    try:
        number = float(rate)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise click.BadParameter(f"{name}={rate}: expected a learning rate above 0.", param_hint="'--optimizers'")
    return number


def render(function: Function, trajectories: list[Trajectory]) -> Table:
    """A row for each trajectory: where it ended."""
    from rich.table import Table

    table = Table(title=f"f(x, y) = {function.formula}, minimum at {function.minimum[0]:g}, {function.minimum[1]:g}")
    table.add_column("optimizer")
    for name in ("learning rate", "steps", "f", "x", "y"):
        table.add_column(name, justify="right")
    for each in trajectories:
        x, y = each.points[-1]
        table.add_row(each.name, "line search" if each.lr is None else f"{each.lr:g}", f"{len(each.points) - 1:,}",
                      "diverged" if each.diverged else f"{each.values[-1]:.3g}", f"{x:.4g}", f"{y:.4g}")
    return table
