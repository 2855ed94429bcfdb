"""Training a model in several ways, and ranking them."""

from __future__ import annotations

from statistics import fmean, stdev

import pytest

from fastconv import data
from fastconv.experiments.compare import BEST, DIVERGED, TIED, Follower, settings_of, train_all
from fastconv.experiments.setting import Setting
from tests.comparisons import comparison, run


@pytest.fixture(scope="module")
def digits():
    train, test = data.digits()
    return (data.Dataset(train.images[:200], train.labels[:200], train.classes),
            data.Dataset(test.images[:100], test.labels[:100], test.classes))


def verdicts(*runs):
    return {each.name: each.verdict for each in comparison(*runs).standings()}


def test_figures_are_mean_and_deviation_of_the_last_epoch():
    standing, = comparison(*(run("a", seed, (0.5, last)) for seed, last in enumerate((0.7, 0.8, 0.95)))).standings()
    assert standing.accuracy.mean == pytest.approx(fmean((0.7, 0.8, 0.95)))
    assert standing.accuracy.deviation == pytest.approx(stdev((0.7, 0.8, 0.95)))
    assert (standing.accuracy.lowest, standing.accuracy.highest) == (0.7, 0.95)
    assert standing.loss.mean == pytest.approx(1 - standing.accuracy.mean)
    assert standing.training_loss.mean == pytest.approx(1.25 - standing.accuracy.mean)
    assert (standing.seconds.mean, standing.seconds.deviation) == (1.0, 0.0)


def test_standings_are_by_falling_accuracy():
    standings = comparison(run("a", 0, [0.5]), run("b", 0, [0.9]), run("c", 0, [0.7])).standings()
    assert [each.name for each in standings] == ["b", "c", "a"]


@pytest.mark.parametrize(("accuracies", "verdict"), [((0.90, 0.85), TIED), ((0.89, 0.89), ""), ((0.89, 0.1), "")])
def test_an_entry_ties_with_the_best_where_their_seeds_overlap(accuracies, verdict):
    runs = [run("best", seed, [value]) for seed, value in enumerate((0.90, 0.92))]
    runs += [run("other", seed, [value]) for seed, value in enumerate(accuracies)]
    assert verdicts(*runs) == {"best": BEST, "other": verdict}


def test_with_one_seed_none_is_called_the_best():
    assert verdicts(run("a", 0, [0.9]), run("b", 0, [0.5])) == {"a": "", "b": ""}


def test_an_entry_with_a_diverged_run_stands_last_however_good_its_others_are():
    runs = [run("a", 0, [0.99]), run("a", 1, [], diverged="nan"), run("b", 0, [0.5]), run("b", 1, [0.6])]
    first, last = comparison(*runs).standings()
    assert (first.name, first.verdict, first.diverged) == ("b", BEST, 0)
    assert (last.name, last.verdict, last.diverged, last.seeds) == ("a", DIVERGED, 1, 2)
    assert last.accuracy.mean == 0.99


def test_where_all_diverged_none_is_the_best_and_none_has_figures():
    standings = comparison(run("a", 0, [0.9], diverged="nan"), run("b", 0, [], diverged="nan")).standings()
    assert [(each.verdict, each.accuracy, each.seconds) for each in standings] == [(DIVERGED, None, None)] * 2


def test_each_setting_is_the_base_with_one_name_changed():
    base = Setting(epochs=3, lr=0.25)
    made = settings_of("schedule", ["constant", "one-cycle"], base)
    assert made == {name: Setting(epochs=3, lr=0.25, schedule=name) for name in ("constant", "one-cycle")}


def test_all_settings_run_with_every_seed_and_are_followed(digits):
    heard = []

    class Ear(Follower):
        def on_run_start(self, name, seed):
            heard.append((name, seed))

        def on_run_end(self, run):
            heard.append(run)

    settings = settings_of("optimizer", ["sgd", "adam"], Setting(epochs=1, batch_size=50))
    runs = list(train_all(settings, (3, 4), *digits, Ear()))
    order = [("sgd", 3), ("adam", 3), ("sgd", 4), ("adam", 4)]
    assert [(run.name, run.seed) for run in runs] == order
    assert heard == [each for pair in zip(order, runs, strict=True) for each in pair]
    assert all(len(run.epochs) == 1 and run.seconds > 0 for run in runs)


def test_the_same_seeds_give_the_same_numbers(digits):
    settings = settings_of("activation", ["relu", "tanh"], Setting(epochs=2, batch_size=50))
    first, second = ([(run.name, run.seed, run.tested("loss"), run.tested("accuracy"))
                      for run in train_all(settings, (0, 1), *digits)] for _ in range(2))
    assert first == second


def test_a_run_that_diverges_is_a_result_and_does_not_end_the_others(digits):
    settings = {"wild": Setting(optimizer="sgd", lr=1e30, epochs=2, batch_size=50),
                "calm": Setting(optimizer="adam", epochs=2, batch_size=50)}
    wild, calm = train_all(settings, [0], *digits)
    assert "the loss became" in wild.diverged
    assert len(wild.epochs) < 2
    assert calm.diverged is None
    assert len(calm.epochs) == 2
