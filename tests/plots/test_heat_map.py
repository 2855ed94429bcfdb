"""Grids as heat maps."""

from __future__ import annotations

import pytest

from fastconv.errors import DataError
from fastconv.experiments.space import Range, grid_plan, random_plan
from fastconv.experiments.trial import COMPLETE, DIVERGED, Trial
from fastconv.plots.heat_map import save_heat_map

pytest.importorskip("matplotlib")
from matplotlib import image

PLAN = grid_plan([Range("lr", 1e-3, 1e-1), Range("momentum", 0.5, 0.99)], 3)


def trials(*accuracies):
    """A trial for each accuracy; None for one that diverged."""
    return [Trial(number, point, DIVERGED if accuracy is None else COMPLETE, () if accuracy is None else (accuracy,))
            for number, (point, accuracy) in enumerate(zip(PLAN.points, accuracies, strict=False))]


def drawn(path, **panels):
    save_heat_map(PLAN, panels, 100, "a heading", path)
    assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    return image.imread(path)


def test_another_accuracy_a_divergence_and_a_missing_trial_all_show(tmp_path):
    known = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    cases = [known, (0.15, *known[1:]), (None, *known[1:]), known[:-1], known]
    pixels = [drawn(tmp_path / f"{number}.png", sgd=trials(*case)).tobytes() for number, case in enumerate(cases)]
    assert pixels[0] == pixels[4]
    assert len(set(pixels)) == 4


def test_panels_share_one_scale_of_colours(tmp_path):
    pictures = [drawn(tmp_path / f"{worst}.png", a=trials(0.5, *[0.9] * 8), b=trials(worst, *[0.9] * 8))
                for worst in (0.5, 0.01)]
    first, second = (picture[:, :picture.shape[1] // 3] for picture in pictures)  # within the first panel
    assert (first != second).any()


@pytest.mark.parametrize("accuracies", [(), (None,) * 9, (1.0,) * 9, (0.5,)],
                         ids=["nothing", "only divergences", "no errors", "one"])
def test_whatever_came_of_the_trials_is_drawn(tmp_path, accuracies):
    pixels = drawn(tmp_path / "a.png", sgd=trials(*accuracies), adam=trials())
    assert pixels.min() < pixels.max()


@pytest.mark.parametrize("plan", [
    random_plan(PLAN.ranges, 9, 0), grid_plan(PLAN.ranges[:1], 3),
    grid_plan([*PLAN.ranges, Range("weight_decay", 1e-6, 1e-2)], 2)], ids=["random", "one range", "three ranges"])
def test_only_a_grid_over_two_ranges_can_be_drawn(tmp_path, plan):
    with pytest.raises(ValueError, match="a heat map needs a grid over two ranges, got a"):
        save_heat_map(plan, {"sgd": []}, 100, "", tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"a\.txt: expected a name that ends in \.png"):
        save_heat_map(PLAN, {"sgd": []}, 100, "", tmp_path / "a.txt")
