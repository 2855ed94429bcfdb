import struct

import pytest

import fastconv as fc
from fastconv.errors import RunError
from fastconv.runs import event_files
from fastconv.runs.event_files import EventFiles
from tests.trainings import StopAfter, fit, trainer


def events(folder):
    """The events in the files of a folder, each a record of a length, a sum, an event and a sum."""
    protocol = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = []
    for path in sorted((folder / "events").iterdir()):
        content, place = path.read_bytes(), 0
        while place < len(content):
            (length,) = struct.unpack("<Q", content[place:place + 8])
            found.append(protocol.Event.FromString(content[place + 12:place + 12 + length]))
            place += length + 16
    return found


def scalars(folder):
    return [(value.tag, event.step, value.simple_value) for event in events(folder) for value in event.summary.value]


def test_every_epochs_figures_are_in_the_event_files(tmp_path):
    pytest.importorskip("tensorboardX")
    with EventFiles(tmp_path) as files:
        results = fit(trainer(), files)
    found = scalars(tmp_path)
    assert {tag for tag, _, _ in found} == {"loss/training", "loss/validation", "accuracy/validation", "lr",
                                            "images_per_second"}
    losses = [(step, value) for tag, step, value in found if tag == "loss/training"]
    assert losses == [(result.epoch, pytest.approx(result.loss)) for result in results]


def test_a_run_that_goes_on_hides_what_comes_again(tmp_path):
    pytest.importorskip("tensorboardX")
    for steps in (7, 100):
        training = trainer()
        with fc.Run(tmp_path, training) as run, EventFiles(tmp_path) as files:
            fit(training, run, files, StopAfter(steps), start=run.progress)
    assert len(list((tmp_path / "events").iterdir())) == 2
    starts = [event.step for event in events(tmp_path) if event.session_log.status == event.session_log.START]
    assert starts == [2]


def test_a_missing_package_is_told_with_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(event_files, "find_spec", lambda name: None)
    with pytest.raises(RunError, match=r'pip install "fastconv\[tensorboard\]"'):
        EventFiles(tmp_path)
