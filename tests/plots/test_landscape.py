"""Trajectories as a picture."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import optim
from fastconv.errors import DataError
from fastconv.experiments.landscape import quadratic, rosenbrock, trajectory
from fastconv.plots import landscape
from fastconv.plots.landscape import save_landscape

pytest.importorskip("matplotlib")

QUADRATIC = quadratic()
WAYS = [trajectory("sgd", QUADRATIC), trajectory("newton", QUADRATIC)]


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are drawn, kept."""
    figures = []

    def keep(width, height):
        figures.append(new_figure(width, height))
        return figures[-1]

    new_figure = landscape.new_figure
    monkeypatch.setattr(landscape, "new_figure", keep)
    return figures


def texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("function", [quadratic(), quadratic(0.01), quadratic(1e4), rosenbrock()])
def test_every_optimizer_together_is_a_picture_in_which_no_text_touches_another(tmp_path, drawn, function):
    ways = [trajectory(name, function, steps=30) for name in [*optim.OPTIMIZERS, *optim.METHODS]]
    save_landscape(function, ways, tmp_path / "ways.png")
    assert (tmp_path / "ways.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    (figure,) = drawn
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.legends[0].get_texts()]
    boxes += [axes.get_tightbbox() for axes in figure.axes]
    boxes.append(figure._suptitle.get_window_extent())
    for number, box in enumerate(boxes):
        assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:number])


def test_the_legend_tells_where_each_ended(tmp_path, drawn):
    far = trajectory("sgd", QUADRATIC, lr=0.3, steps=1000)
    save_landscape(QUADRATIC, [trajectory("sgd", QUADRATIC, steps=2, start=(1.0, 1.0), lr=0.125), *WAYS[1:], far],
                   tmp_path / "ways.png")
    shown = texts(drawn[0])
    assert shown[0] == "sgd, lr 0.125: f = 0.31 after 2 steps"
    assert shown[1].startswith("newton: f = ")
    assert shown[1].endswith(" after 1 step")
    assert shown[2] == f"sgd, lr 0.3: diverged after {len(far.points) - 1} steps"
    assert shown[3:] == ["start", "minimum"]


def test_the_map_has_one_scale_and_holds_start_and_minimum(tmp_path, drawn):
    for function in (quadratic(100.0), rosenbrock()):
        save_landscape(function, [trajectory("sgd", function)], tmp_path / "ways.png")
        axes = drawn[-1].axes[0]
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert (right - left) / (top - bottom) == pytest.approx(landscape.SHAPE)
        assert axes.get_aspect() == 1
        for x, y in (function.start, function.minimum):
            assert left < x < right
            assert bottom < y < top


def test_a_diverging_way_leaves_the_map_where_the_others_are(tmp_path, drawn):
    save_landscape(QUADRATIC, [*WAYS, trajectory("sgd", QUADRATIC, lr=0.3, steps=1000)], tmp_path / "ways.png")
    low, high = drawn[0].axes[0].get_ylim()
    assert high - low < 20
    assert drawn[0].axes[1].get_ylim()[1] < 1e8


def test_twenty_eight_trajectories_are_told_apart(tmp_path, drawn):
    save_landscape(QUADRATIC, WAYS * 14, tmp_path / "ways.png")
    lines = drawn[0].axes[0].get_lines()[:28]
    assert len({(line.get_color(), str(line.get_linestyle()), line.get_marker(), str(line._dash_pattern))
                for line in lines}) == 28


def test_a_start_at_the_minimum_is_drawn(tmp_path):
    ways = [trajectory(name, QUADRATIC, start=(0.0, 0.0), steps=3) for name in ("sgd", "lbfgs")]
    assert [len(way.points) for way in ways] == [4, 1]
    save_landscape(QUADRATIC, ways, tmp_path / "ways.png")


def test_the_same_trajectories_are_drawn_the_same(tmp_path):
    from matplotlib.image import imread

    for name in ("a.png", "b.png"):
        save_landscape(QUADRATIC, WAYS, tmp_path / name)
    np.testing.assert_array_equal(imread(tmp_path / "a.png"), imread(tmp_path / "b.png"))


def test_a_name_that_is_no_pictures_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"ways\.txt: expected a name that ends in \.png"):
        save_landscape(QUADRATIC, WAYS, tmp_path / "ways.txt")
