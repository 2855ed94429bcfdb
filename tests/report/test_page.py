"""Pages of HTML."""

from __future__ import annotations

from fastconv.report.page import Section, figure, page, table


def test_names_are_shown_and_not_obeyed():
    bad = "<script>alert(1)</script>&\"'"
    text = page(bad, bad, [(bad, bad)], [Section(bad, bad, table((bad,), [(bad,)], 1) + figure("<svg/>", bad))], bad)
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;") >= 9


def test_sections_are_linked():
    text = page("a", "b", [], [Section("What it is", "", "x"), Section("Why", "", "y")], "")
    assert '<a href="#what-it-is">' in text
    assert '<section id="what-it-is">' in text
    assert text.index("What it is") < text.index("Why")


def test_columns_of_numbers_are_marked():
    text = table(("name", "count"), [("a", "1")], 1)
    assert '<td>a</td><td class="number">1</td>' in text
