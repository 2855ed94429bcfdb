"""Where pictures can be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv.errors import DataError
from fastconv.plots import picture
from fastconv.plots.picture import as_svg, check_plot, new_figure


def test_without_matplotlib_the_extra_to_install_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r'a\.png: .*pip install "fastconv\[plots\]"'):
        check_plot(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a", "a.txt", "png"])
def test_a_name_that_is_no_pictures_is_refused(tmp_path, name):
    pytest.importorskip("matplotlib")
    with pytest.raises(DataError, match=rf"{name}: expected a name that ends in \.png, \.svg or \.pdf"):
        check_plot(tmp_path / name)


def test_a_figure_in_a_page_takes_the_pages_colour_and_is_drawn_the_same_every_time():
    pytest.importorskip("matplotlib")

    def drawn():
        figure = new_figure(2, 1)
        axes = figure.add_subplot()
        axes.plot([0, 1], color="#0072b2")
        axes.set_title("<title>")
        return as_svg(figure)

    svg = drawn()
    assert svg.startswith("<svg ")
    assert "stroke: currentColor" in svg
    assert "#0072b2" in svg
    assert "&lt;title&gt;" in svg
    assert not [each for each in ("#000000", "<style", "<metadata", '_1"') if each in svg]
    assert drawn() == svg


def test_names_inside_a_figure_do_not_depend_on_the_last_bit_of_a_coordinate():
    pytest.importorskip("matplotlib")

    def drawn(width: float) -> str:
        figure = new_figure(width, 2)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1])
        return as_svg(figure)

    assert "clip-path" in drawn(3.0)
    assert drawn(float(np.nextafter(3.0, 4.0))) == drawn(3.0)
