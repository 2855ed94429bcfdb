"""The command line of fastconv: parse, call the library, print.

Modules here import fastconv, numpy and rich inside the commands, so that `fastconv --help` answers at once.
"""
