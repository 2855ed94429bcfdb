"""The `fastconv` command where what it needs is installed, else a line that says what is missing."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from fastconv_cli.main import main as command

        command(prog_name="fastconv")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("click", "rich"):
            raise
        sys.exit("the command line needs click and rich: pip install fastconv")


if __name__ == "__main__":
    main()
