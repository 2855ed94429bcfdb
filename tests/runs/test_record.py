from concurrent.futures import ThreadPoolExecutor

import pytest

import fastconv as fc
from fastconv import optim
from fastconv.errors import CheckpointError, DivergenceError, RunError
from fastconv.runs.record import differing, find_run, find_runs, new_folder, read_record
from tests.trainings import DATA, StopAfter, fit, trainer


def make(folder, *callbacks, **options):
    training = trainer()
    with fc.Run(folder, training, **options) as run:
        results = fit(training, run, *callbacks, start=run.progress)
    return results


def test_a_record_tells_what_a_run_has_come_to(tmp_path):
    results = make(tmp_path / "one")
    record = read_record(tmp_path / "one")
    assert (record.name, record.state, record.message) == ("one", "finished", None)
    assert list(record.results) == results
    assert record.best == max(results, key=lambda result: result.validation["accuracy"])
    assert record.seconds == sum(result.seconds for result in results)
    assert record.configuration["epochs"] == 3
    assert "cpu" in record.environment
    assert record.to_dict()["best"]["epoch"] == record.best.epoch


def test_the_state_of_a_run_is_told_from_its_folder(tmp_path):
    class Fail(fc.Callback):
        def on_epoch_end(self, result):
            assert read_record(tmp_path / "failing").state == "running"
            raise RuntimeError

    make(tmp_path / "ended", StopAfter(6))
    with pytest.raises(RuntimeError):
        make(tmp_path / "failing", Fail())
    training = fc.Trainer(trainer().model, optim.SGD(1e30))
    with pytest.raises(DivergenceError), fc.Run(tmp_path / "diverging", training) as run:
        training.fit(DATA, 3, callbacks=[run])
    found = {folder.name: read_record(folder).state for folder in find_runs(tmp_path)}
    assert found == {"ended": "stopped early", "failing": "interrupted", "diverging": "diverged"}
    assert "the loss became" in read_record(tmp_path / "diverging").message


def test_a_run_that_goes_on_is_not_what_it_was(tmp_path):
    make(tmp_path, StopAfter(6))
    with pytest.raises(RuntimeError):
        make(tmp_path, Raise())
    assert read_record(tmp_path).state == "interrupted"


class Raise(fc.Callback):
    def on_batch_end(self, epoch, images, loss):
        raise RuntimeError


def test_a_run_that_has_only_begun_has_no_best_epoch(tmp_path):
    make(tmp_path, StopAfter(2))
    assert read_record(tmp_path).best is None


def test_runs_are_found_by_their_path_or_their_name_in_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make("runs/mine", StopAfter(1))
    for name in ("mine", "runs/mine", tmp_path / "runs" / "mine"):
        assert find_run(str(name)).resolve() == tmp_path / "runs" / "mine"
    with pytest.raises(RunError, match=r"yours: is not the folder of a run: .*; runs/ has mine"):
        find_run("yours")


def test_a_new_folder_is_new_although_another_run_began_in_the_same_second(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ThreadPoolExecutor(8) as threads:  # as processes would, at the same time
        folders = list(threads.map(new_folder, ["lenet5"] * 40))
    assert len(set(folders)) == 40
    assert all(folder.is_dir() for folder in folders)


def test_what_runs_differ_in_is_named(tmp_path):
    make(tmp_path / "a", StopAfter(1), configuration={"lr": 0.1, "model": "x"})
    make(tmp_path / "b", StopAfter(1), configuration={"model": "x", "options": {"eps": 1.0}})
    found = differing([read_record(tmp_path / name) for name in ("a", "b")])
    assert found == {"lr": [0.1, None], "options": [None, {"eps": 1.0}]}


def test_a_damaged_run_is_named(tmp_path):
    make(tmp_path, StopAfter(1))
    (tmp_path / "metrics.jsonl").write_text("{}\n")
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl, line 1"):
        read_record(tmp_path)
    (tmp_path / "run.toml").write_text("=")
    with pytest.raises(RunError, match=r"run\.toml: not TOML"):
        read_record(tmp_path)
    with pytest.raises(RunError, match=r"has no run\.toml"):
        read_record(tmp_path / "none")
