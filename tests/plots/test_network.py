"""Pictures of filters, maps, patches and mistakes."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import explain
from fastconv.explain import Predictions
from tests.networks import normal, pixels, small_network

pytest.importorskip("matplotlib")
from fastconv.plots import network
from fastconv.plots.explanations import Explanation, explanations
from fastconv.plots.picture import save_picture


def titles(figure):
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 6, 200])
def test_filters_of_any_number_are_drawn(tmp_path, channels, count):
    save_picture(network.filters(normal(0, count, channels, 5, 3)), tmp_path / "filters.png")


def test_filters_of_no_value_are_drawn(tmp_path):
    for channels in (1, 3):
        save_picture(network.filters(np.zeros((4, channels, 3, 3), np.float32)), tmp_path / "filters.png")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_maps_are_under_their_titles(tmp_path, channels):
    maps = {"first": normal(0, 6, 28, 28), "second": normal(1, 100, 3, 2), "third": normal(2, 1, 1, 9)}
    figure = network.feature_maps(pixels(0, channels, 28, 28), maps)
    assert titles(figure) == ["image", "first", "second", "third"]
    save_picture(figure, tmp_path / "maps.png")


@pytest.mark.parametrize("count", [1, 5, 9])
def test_patches_have_a_panel_for_each_channel(tmp_path, count):
    images = pixels(0, 20, 1, 6, 6)
    figure = network.patches(explain.top_patches(small_network(), images, "1", count), images)
    assert [title.split(",")[0] for title in titles(figure)] == [f"channel {each}" for each in range(4)]
    save_picture(figure, tmp_path / "patches.png")


@pytest.mark.parametrize("chosen", [[], [2], list(range(11))])
def test_mistakes_tell_what_was_right_and_what_was_said(tmp_path, chosen):
    said = Predictions(np.tile(np.array([[0.25, 0.75]], np.float32), (11, 1)), np.zeros(11, np.int64), ("cat", "dog"))
    figure = network.mistakes(pixels(0, 11, 1, 6, 6), said, chosen)
    assert titles(figure) == ["cat → dog\n75%"] * len(chosen)
    save_picture(figure, tmp_path / "mistakes.png")


@pytest.mark.parametrize(("channels", "guided"), [(1, True), (3, True), (2, True), (1, False)])
def test_explanations_have_a_column_for_each_image(tmp_path, channels, guided):
    examples = [Explanation(f"image {each}", pixels(each, channels, 8, 12), normal(1, 4, 6), normal(2, 8, 12)**2,
                            normal(3, channels, 8, 12) if guided else None) for each in range(3)]
    figure = explanations(examples)
    assert len(figure.axes) == 3 * (4 if guided else 3)
    assert titles(figure) == ["image 0", "image 1", "image 2"]
    save_picture(figure, tmp_path / "explanations.png")
