"""Options that take several registered names."""

from __future__ import annotations

from collections.abc import Iterable

import click


def parse_names(text: str, known: Iterable[str], option: str) -> list[str]:
    """The names in `text`, between commas; "all" is every known one. BadParameter for one unknown or given twice."""
    known = list(known)
    if text == "all":
        return known
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(known)}, or all.", param_hint=f"'{option}'")
        if names.count(name) > 1:
            raise click.BadParameter(f"{name!r} is given more than once.", param_hint=f"'{option}'")
    return names


def parse_name(name: str, known: Iterable[str], option: str) -> str:
    """The name, if it is known; else BadParameter."""
    known = list(known)
    if name not in known:
        raise click.BadParameter(f"{name!r} is not one of {', '.join(known)}.", param_hint=f"'{option}'")
    return name
