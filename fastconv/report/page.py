"""A page of HTML that needs nothing beside itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files


@dataclass(frozen=True)
class Section:
    """A part of the page: its heading, a paragraph in plain text, and its content in HTML."""

    heading: str
    text: str
    content: str


def page(title: str, subtitle: str, facts: Sequence[tuple[str, str]], sections: Sequence[Section], end: str) -> str:
    """A whole document. facts: pairs of a figure and what it says, shown at the top.  end: the last line."""
    style = files("fastconv.report").joinpath("page.css").read_text(encoding="utf-8")
    links = "".join(f'<a href="#{_anchor(each)}">{escape(each.heading)}</a>' for each in sections)
    cards = "".join(f"<div><strong>{escape(figure)}</strong><span>{escape(says)}</span></div>"
                    for figure, says in facts)
    parts = "\n".join(f'<section id="{_anchor(each)}"><h2>{escape(each.heading)}</h2><p>{escape(each.text)}</p>'
                      f"{each.content}</section>" for each in sections)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f'<meta name="color-scheme" content="light dark"><style>{style}</style></head>\n'
            f'<body><header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p><div class="facts">{cards}</div>'
            f"<nav>{links}</nav></header>\n<main>{parts}</main>\n<footer>{escape(end)}</footer></body></html>\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int) -> str:
    """A table; the columns from one on hold numbers."""
    head = "".join(f"<th{_kind(i, numbers_from)}>{escape(name)}</th>" for i, name in enumerate(columns))
    body = "".join("<tr>" + "".join(f"<td{_kind(i, numbers_from)}>{escape(cell)}</td>" for i, cell in enumerate(row))
                   + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def figure(svg: str, caption: str = "", width: int = 100) -> str:
    """A picture, `width` percent of the page's width, with a caption."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure style="--share: {width}%">{svg}{below}</figure>'


def _kind(column: int, numbers_from: int) -> str:
    return ' class="number"' if column >= numbers_from else ""


def _anchor(section: Section) -> str:
    return "".join(each if each.isalnum() else "-" for each in section.heading.lower())
