"""Curves of a training run."""

from __future__ import annotations

import math

import pytest

from fastconv.trainer import EpochResult

pytest.importorskip("matplotlib")
from fastconv.plots.picture import save_picture
from fastconv.plots.training import training_curves


def history(*losses, validation=None):
    return [EpochResult(epoch, loss, 0.1 / epoch, 1.0, 10.0, validation) for epoch, loss in enumerate(losses, 1)]


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_loss_error_and_learning_rate_have_a_panel_each(tmp_path):
    figure = training_curves(history(0.5, 0.2, validation={"loss": 0.3, "accuracy": 0.9}))
    assert titles(figure) == ["mean loss", "validation error, %", "learning rate"]
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[0.5, 0.2], [0.3, 0.3]]
    assert list(figure.axes[1].lines[0].get_ydata()) == pytest.approx([10, 10])
    save_picture(figure, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_without_validation_there_is_no_error():
    assert titles(training_curves(history(0.5))) == ["mean loss", "learning rate"]


@pytest.mark.parametrize("losses", [(0.0, 0.0), (math.nan, 0.5), (-1.0, 2.0)])
def test_losses_that_no_log_scale_shows_are_drawn(tmp_path, losses):
    save_picture(training_curves(history(*losses)), tmp_path / "curves.svg")
