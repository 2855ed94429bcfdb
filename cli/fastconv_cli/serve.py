"""`fastconv serve`."""

from errno import EADDRINUSE
from pathlib import Path

import click

from fastconv_cli.options import FILE, threads_option


@click.command()
@click.argument("model_file", metavar="MODEL", type=FILE)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Address to listen on. Any but a loopback address can be reached by other machines.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, metavar="N",
              help="Port to listen on; 0 takes a free one.")
@threads_option
def serve(model_file: Path, host: str, port: int) -> None:
    """Answer predictions over HTTP, with a page to draw on.

    MODEL is a file written by `fastconv train` or fastconv.save. Ctrl-C or SIGTERM stops when the requests that have
    begun are answered.

    POST /predict takes JSON, {"image": ...} as nested lists or base64, or a .npy file, or a PNG picture.
    GET /health says what is served.
    """
    from fastconv import serialization
    from fastconv.serve import Service
    from fastconv.serve import serve as run
    from fastconv_cli.compiling import announce_compiling

    model = serialization.load(model_file)
    with announce_compiling():
        service = Service(model, model_file.name)
    if not is_loopback(host):
        click.echo(f"Warning: {host} can be reached by other machines. Anyone who reaches it can use the model; there "
                   "is no encryption and no login.", err=True)
    shown = f"[{host}]" if ":" in host else host
    try:
        run(service, host, port, started=lambda bound: click.echo(
            f"Serving {model_file.name} on http://{shown}:{bound} (Ctrl-C stops)"))
    except OSError as error:
        if error.errno != EADDRINUSE:
            raise
        raise click.ClickException(f"Another program listens on port {port}: choose another with --port, or let "
                                   "--port 0 take a free one.") from error
    click.echo("Stopped.")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
