"""`python -m fastconv_cli`, the same as `fastconv`."""

from fastconv_cli.main import main

main(prog_name="fastconv")
