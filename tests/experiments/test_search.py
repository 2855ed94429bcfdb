"""Searches for hyper-parameters."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from fastconv import data
from fastconv.errors import DataError
from fastconv.experiments import search as module
from fastconv.experiments.search import Search, TrialFollower, to_dict, with_parameters
from fastconv.experiments.setting import Setting
from fastconv.experiments.space import Range, grid_plan, random_plan
from fastconv.experiments.trial import COMPLETE, DIVERGED, PRUNED

pytest.importorskip("optuna")

BASE = Setting(optimizer="adam", epochs=2, batch_size=50)
RANGES = (Range("lr", 1e-5, 1e-1), Range("weight_decay", 1e-6, 1e-2))


@pytest.fixture(scope="module")
def digits():
    train, test = data.digits()
    return (data.Dataset(train.images[:240], train.labels[:240], train.classes),
            data.Dataset(test.images[:100], test.labels[:100], test.classes))


class Interruption(TrialFollower):
    """Presses Ctrl-C in a batch of a trial."""

    def __init__(self, trial):
        self.left = trial

    def on_trial_start(self, number):
        self.left -= 1

    def on_batch_end(self, epoch, images, loss):
        if self.left < 0:
            raise KeyboardInterrupt


def test_parameters_are_fields_of_a_setting_or_options_of_the_optimizer():
    base = Setting(options={"eps": 1e-6})
    assert with_parameters(base, {"lr": 0.5, "batch_size": 8, "weight_decay": 0.25}) == Setting(
        lr=0.5, batch_size=8, options={"eps": 1e-6, "weight_decay": 0.25})


def test_a_search_tries_every_point_and_finds_the_best(digits):
    search = Search(BASE, random_plan(RANGES, 4, 0), digits[0])
    assert search.best() is None
    search.run()
    trials = search.trials()
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert {trial.state for trial in trials} == {COMPLETE}
    assert all(len(trial.accuracies) == 2 for trial in trials)
    assert search.best().accuracies[-1] == max(trial.accuracies[-1] for trial in trials)


def test_the_held_out_images_are_a_sixth_of_each_class_and_not_trained_on(digits):
    search = Search(BASE, random_plan(RANGES, 1, 0), digits[0], seed=3)
    expected = data.stratified_split(digits[0], 1 / 6, 3)
    assert np.array_equal(search.rest.images, expected[0].images)
    assert np.array_equal(search.held_out.images, expected[1].images)


def test_the_same_seed_gives_the_same_trials_also_when_interrupted_and_continued(digits, tmp_path):
    plan, path = random_plan(RANGES, 4, 0), tmp_path / "study.db"
    whole = Search(BASE, plan, digits[0])
    whole.run()
    with pytest.raises(KeyboardInterrupt):
        Search(BASE, plan, digits[0], storage=path).run(Interruption(2))
    later = Search(BASE, plan, digits[0], storage=path)
    assert later.trials() == whole.trials()[:2]
    later.run()
    assert later.trials() == whole.trials()


def test_hopeless_trials_are_given_up_early(digits):
    slow = Range("lr", 1e-9, 1.1e-9)
    plan = random_plan([Range("lr", 2e-3, 4e-3)], 5, 0)
    plan = type(plan)("random", (Range("lr", 1e-9, 1e-2),), (*plan.points, {"lr": slow.at(0.5)}), prunes=True)
    heard = []

    class Ear(TrialFollower):
        def on_epoch_end(self, result):
            heard.append(result.epoch)

    search = Search(Setting(optimizer="adam", epochs=6, batch_size=50), plan, digits[0])
    search.run(Ear())
    assert [trial.state for trial in search.trials()] == [COMPLETE] * 5 + [PRUNED]
    assert len(search.trials()[-1].accuracies) < 6
    assert search.best().number < 5


def test_a_trial_that_diverges_is_kept_as_such_and_does_not_end_the_search(digits):
    plan = grid_plan([Range("lr", 1e-2, 1e30)], 2)
    search = Search(Setting(optimizer="sgd", epochs=2, batch_size=50), plan, digits[0])
    search.run()
    calm, wild = search.trials()
    assert (calm.state, wild.state) == (COMPLETE, DIVERGED)
    assert "the loss became" in wild.diverged
    assert search.best() == calm
    assert "the loss became" in search.retrain(wild, digits[1]).diverged


def test_retraining_is_on_the_whole_training_set_and_measured_on_the_test_set(digits):
    search = Search(BASE, random_plan(RANGES, 1, 0), digits[0])
    search.run()
    final = search.retrain(search.best(), digits[1])
    assert final.setting == with_parameters(BASE, search.plan.points[0])
    expected = final.setting.train(*digits, seed=0)[-1].validation
    assert (final.accuracy, final.loss, final.diverged) == (expected["accuracy"], expected["loss"], None)


@pytest.mark.parametrize("change", [
    lambda train: {"base": Setting(optimizer="adam", epochs=3, batch_size=50)},
    lambda train: {"base": replace(BASE, augment="digits")},
    lambda train: {"plan": random_plan([Range("lr", 1e-5, 1), RANGES[1]], 2, 0)},
    lambda train: {"seed": 1},
    lambda train: {"train": data.Dataset(255 - train.images, train.labels, train.classes)},
], ids=["setting", "augmentation", "ranges", "seed", "data"])
def test_a_storage_is_not_continued_by_another_search(digits, tmp_path, change):
    same = {"base": BASE, "plan": random_plan(RANGES, 2, 0), "train": digits[0], "storage": tmp_path / "study.db"}
    Search(**same)
    with pytest.raises(DataError, match=r"study\.db: holds a search with"):
        Search(**{**same, **change(digits[0])})


def test_searches_of_several_optimizers_and_kinds_share_a_file(digits, tmp_path):
    path = tmp_path / "study.db"
    for optimizer in ("adam", "adamw"):
        for plan in (random_plan(RANGES, 1, 0), grid_plan(RANGES, 2)):
            assert Search(Setting(optimizer=optimizer), plan, digits[0], storage=path).trials() == []


def test_a_parameter_that_the_optimizer_does_not_have_is_refused_before_any_trial(digits):
    with pytest.raises(ValueError, match=r"adam takes lr, .*, not momentum"):
        Search(BASE, random_plan([Range("momentum", 0.5, 0.9)], 1, 0), digits[0])


def test_everything_is_in_the_dictionary_and_json_takes_it(digits):
    search = Search(BASE, random_plan(RANGES, 1, 0), digits[0])
    empty = to_dict(search, None)
    assert (empty["trials"], empty["best"], empty["final"]) == ([], None, None)
    search.run()
    document = json.loads(json.dumps(to_dict(search, search.retrain(search.best(), digits[1])), allow_nan=False))
    assert document["setting"]["optimizer"] == "adam"
    assert (document["train_images"], document["held_out_images"], document["points"]) == (200, 40, 1)
    assert document["trials"][0]["parameters"] == search.plan.points[0]
    assert document["best"] == 0
    assert document["final"]["setting"]["lr"] == search.plan.points[0]["lr"]


def test_without_optuna_the_extra_to_install_is_named(digits, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'pip install "fastconv\[search\]"'):
        Search(BASE, random_plan(RANGES, 1, 0), digits[0])
