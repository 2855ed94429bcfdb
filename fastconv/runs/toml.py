"""Writing TOML, which Python's library only reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_toml(table: Mapping[str, Any]) -> str:
    """A TOML document of strings, numbers, truth values, lists of them, and tables of all these; None is left out."""
    values = {name: value for name, value in table.items() if value is not None and not isinstance(value, Mapping)}
    tables = {name: value for name, value in table.items() if isinstance(value, Mapping)}
    lines = [f"{_string(name)} = {_value(value)}" for name, value in values.items()]
    for name, inner in tables.items():
        lines += ["", f"[{_string(name)}]"]
        lines += [f"{_string(key)} = {_value(value)}" for key, value in inner.items() if value is not None]
    return "".join(f"{line}\n" for line in lines)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)  # inf and nan are TOML's own words too
    if isinstance(value, str):
        return _string(value, bare=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    raise TypeError(f"TOML has no {type(value).__name__}: {value!r}")


def _string(text: str, bare: bool = True) -> str:
    """As a key, without quotation marks where it needs none; else as a basic string, which escapes as JSON does."""
    if bare and text.isascii() and text.replace("_", "").replace("-", "").isalnum():
        return text
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
