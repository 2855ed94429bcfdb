"""Trials in a storage that processes share."""

from __future__ import annotations

import multiprocessing

import pytest

from fastconv.errors import DataError
from fastconv.experiments.space import Range, grid_plan, random_plan
from fastconv.experiments.trial import COMPLETE, DIVERGED, PRUNED, Trial

pytest.importorskip("optuna")

from fastconv.experiments.study import UNPRUNED_TRIALS, Study

RANGES = (Range("lr", 1e-4, 1e-1), Range("batch_size", 8, 64), Range("momentum", 0.5, 0.99))
PLAN = random_plan(RANGES, 6, 0)
STORAGES = ("study.db", "study.journal", "a b%20?#.db", "a b%20?#.journal")


def study(path=None, plan=PLAN, **identity):
    return Study("a name", plan, identity, path)


def finish(claimed, accuracy=0.5):
    claimed.report(1, accuracy)
    claimed.complete(accuracy)
    return claimed.number


def test_the_points_of_the_plan_are_claimed_in_its_order_each_once():
    made = study()
    assert [finish(made.claim()) for _ in PLAN.points] == list(range(6))
    assert made.claim() is None


def test_a_finished_trial_has_the_parameters_of_its_point_exactly():
    made = study()
    for number in range(6):
        finish(made.claim(), number / 10)
    assert made.trials() == [Trial(number, PLAN.points[number], COMPLETE, (number / 10,)) for number in range(6)]
    assert all(isinstance(trial.parameters["batch_size"], int) for trial in made.trials())


def test_pruned_and_diverged_points_are_finished_too():
    made = study()
    first, second = made.claim(), made.claim()
    first.report(1, 0.25)
    first.prune()
    second.diverge("the loss became nan")
    assert [(trial.state, trial.accuracies, trial.diverged) for trial in made.trials()] == [
        (PRUNED, (0.25,), None), (DIVERGED, (), "the loss became nan")]
    assert made.claim().number == 2


def test_a_point_given_back_is_claimed_again():
    made = study()
    made.claim().give_back()
    assert made.claim().number == 0


@pytest.mark.parametrize("name", STORAGES)
def test_a_storage_goes_on_where_it_was_left(tmp_path, name):
    finish(study(tmp_path / name).claim(), 0.75)
    later = study(tmp_path / name)
    assert later.trials() == [Trial(0, PLAN.points[0], COMPLETE, (0.75,))]
    assert later.claim().number == 1
    assert (tmp_path / name).exists()


def test_a_longer_plan_goes_on_with_a_shorter_ones_trials(tmp_path):
    path, longer = tmp_path / "study.db", random_plan(RANGES, 8, 0)
    shorter = study(path)
    while (claimed := shorter.claim()) is not None:
        finish(claimed)
    assert finish(study(path, longer).claim()) == 6
    assert [trial.number for trial in study(path).trials()] == list(range(6))


def test_a_point_of_a_process_that_died_is_tried_again_when_no_other_is_left(tmp_path):
    path = tmp_path / "study.db"
    assert study(path).claim().number == 0  # and is never finished
    survivor, tried = study(path), []
    while (claimed := survivor.claim()) is not None:
        tried.append(finish(claimed))
    assert tried == [1, 2, 3, 4, 5, 0]


def test_a_trial_is_worse_than_the_median_only_when_enough_are_complete():
    made = study(plan=random_plan(RANGES, UNPRUNED_TRIALS + 2, 0))
    for _ in range(UNPRUNED_TRIALS):
        claimed = made.claim()
        assert not claimed.report(1, 0.5)
        claimed.complete(0.5)
    assert made.claim().report(1, 0.25)
    assert not made.claim().report(1, 0.75)


def test_a_grid_prunes_nothing():
    made = study(plan=grid_plan(RANGES[:1], UNPRUNED_TRIALS + 1))
    for _ in range(UNPRUNED_TRIALS):
        finish(made.claim(), 0.5)
    assert not made.claim().report(1, 0.25)


def test_another_search_under_the_same_name_is_refused(tmp_path):
    path = tmp_path / "study.db"
    study(path, epochs=3, data="abc")
    study(path, epochs=3, data="abc")
    with pytest.raises(DataError, match=r"study\.db: holds a search with epochs 3, not 4"):
        study(path, epochs=4, data="abc")


def test_what_a_storage_with_trials_does_not_know_of_was_none_for_them(tmp_path):
    path = tmp_path / "study.db"
    finish(study(path, epochs=3).claim())
    assert len(study(path, epochs=3, augment=None).trials()) == 1
    with pytest.raises(DataError, match=r"study\.db: holds a search with augment none, not digits"):
        study(path, epochs=3, augment="digits")


@pytest.mark.parametrize("name", ["study.db", "study.journal"])
@pytest.mark.parametrize("content", [b"not a study, but a text of some length\n" * 50, b"{}\n{}\n", b"3\n", b"\n\n"])
def test_a_file_that_is_no_storage_is_refused_and_kept(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: cannot be used as a storage"):
        study(path)
    assert path.read_bytes() == content


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"study\.txt: expected a name that ends in \.db, \.sqlite or \.journal"):
        study(tmp_path / "study.txt")


def work(path, start, results):
    """Finishes points, begun at the same time as others, until none is left."""
    start.wait()
    made, done = study(path), []
    while (claimed := made.claim()) is not None:
        done.append(finish(claimed))
    results.put((done, [trial.number for trial in made.trials()]))


@pytest.mark.parametrize("name", ["study.db", "study.journal"])
def test_processes_that_start_together_share_the_points(tmp_path, name):
    context, path = multiprocessing.get_context("spawn"), tmp_path / name
    start, results = context.Barrier(2), context.Queue()
    processes = [context.Process(target=work, args=(path, start, results)) for _ in range(2)]
    for process in processes:
        process.start()
    try:
        answers = [results.get(timeout=60) for _ in processes]
    finally:
        for process in processes:
            process.join(10)
            process.kill()
    assert [seen for _, seen in answers] == [list(range(6))] * 2
    tried = sorted(number for done, _ in answers for number in done)
    assert set(tried) == set(range(6))
    assert len(tried) <= 6 + 1  # the last, where the other process could have died
