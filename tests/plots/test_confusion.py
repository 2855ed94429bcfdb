"""The confusion matrix as a picture."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from fastconv.plots.confusion import confusion_matrix
from fastconv.plots.picture import save_picture


def numbers(figure):
    return {tuple(map(int, text.get_position())): text.get_text() for text in figure.axes[0].texts}


def test_every_count_stands_in_its_cell(tmp_path):
    figure = confusion_matrix(np.array([[1500, 2], [0, 7]]), ("cat", "dog"))
    assert numbers(figure) == {(0, 0): "1,500", (1, 0): "2", (1, 1): "7"}
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["cat  99.9%", "dog  100.0%"]
    save_picture(figure, tmp_path / "matrix.png")


@pytest.mark.parametrize("size", [1, 3, 40])
def test_any_number_of_classes_without_images_or_mistakes_is_drawn(tmp_path, size):
    for counts in (np.zeros((size, size), np.int64), np.eye(size, dtype=np.int64)):
        figure = confusion_matrix(counts, [f"a class with a long name {each}" for each in range(size)])
        save_picture(figure, tmp_path / "matrix.png")
        assert len(numbers(figure)) == (counts.sum() if size < 40 else 0)
