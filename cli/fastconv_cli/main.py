"""The `fastconv` command: its group, and how a failure is told."""

from typing import Any

import click

from fastconv._version import __version__
from fastconv_cli.bench import bench
from fastconv_cli.cache import cache
from fastconv_cli.compare import compare
from fastconv_cli.convert import convert
from fastconv_cli.data import data
from fastconv_cli.evaluate import evaluate
from fastconv_cli.landscape import landscape
from fastconv_cli.lr_find import lr_find
from fastconv_cli.predict import predict
from fastconv_cli.profile import profile
from fastconv_cli.report import report
from fastconv_cli.runs import runs
from fastconv_cli.search import search
from fastconv_cli.serve import serve
from fastconv_cli.summary import summary
from fastconv_cli.train import train

INTERRUPTED = 130  # what a shell reports for a command ended by Ctrl-C


class Commands(click.Group):
    """A group that tells a failure in one line, as far as a user can do something about it."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # the reader of our output left; click ends quietly
        except (ValueError, TypeError, OSError, MemoryError) as error:
            raise click.ClickException(in_one_line(error)) from error
        except KeyboardInterrupt as interruption:
            click.echo(str(interruption) or "Interrupted. Files that were already written are complete.", err=True)
            ctx.exit(INTERRUPTED)


def in_one_line(error: Exception) -> str:
    """What happened, as one line of text."""
    if isinstance(error, MemoryError):
        return f"Not enough memory. {error}".strip()
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split()) or type(error).__name__


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fastconv")
def main() -> None:
    """Train and use small convolutional networks on the CPU.

    `fastconv train` without options trains LeNet-5 on handwritten digits that come with fastconv.
    `fastconv COMMAND --help` explains a command.

    Exit status: 0 done, 1 the work failed, 2 wrong usage.
    """


for command in (train, evaluate, predict, summary, runs, lr_find, compare, search, landscape, report, profile, bench,
                data, convert, serve, cache):
    main.add_command(command)
