"""Loss curves as a picture."""

from __future__ import annotations

import pytest

from fastconv.errors import DataError
from fastconv.plots.curves import save_curves
from tests.comparisons import comparison, run

pytest.importorskip("matplotlib")
from matplotlib import image


def drawn(path, *runs):
    save_curves(comparison(*runs), path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    return image.imread(path)


def test_more_seeds_other_losses_and_a_divergence_all_show(tmp_path):
    runs = [run("a", 0, (0.5, 0.8)), run("a", 1, (0.4, 0.7)), run("b", 0, (0.5, 0.9)), run("b", 1, (0.3, 0.8))]
    changed = [runs, [*runs[:3], run("b", 1, (0.2, 0.8))], [*runs[:3], run("b", 1, (0.3, 0.8), diverged="nan")], runs]
    pixels = [drawn(tmp_path / f"{number}.png", *each).tobytes() for number, each in enumerate(changed)]
    assert pixels[0] == pixels[3]
    assert len(set(pixels)) == 3


@pytest.mark.parametrize("runs", [
    [run("a", 0, (0.5,))],
    [run("a", 0, (), diverged="nan")],
    [run("a", 0, (), diverged="nan"), run("a", 1, (0.5, 0.6)), run("b", 0, (0.5,), diverged="nan")],
    [run(str(entry), 0, (0.5, 0.6)) for entry in range(30)],
], ids=["one epoch", "nothing but a divergence", "runs of different lengths", "thirty entries"])
def test_whatever_came_of_the_runs_is_drawn(tmp_path, runs):
    pixels = drawn(tmp_path / "a.png", *runs)
    assert pixels.min() < pixels.max()


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.txt: expected a name that ends in \.png"):
        save_curves(comparison(run("a", 0, (0.5,))), tmp_path / "a.txt")
