import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save

import fastconv as fc
from fastconv.errors import CheckpointError
from fastconv.runs.checkpoint import FORMAT, make_checkpoint, read_checkpoint
from tests.networks import assert_same_bits
from tests.trainings import StopAfter, fit, trainer

PLAN = fc.Plan(epochs=3, batch_size=16, images=70, seed=5)
RUN = {"plan": {"epochs": 3, "batch_size": 16, "images": 70, "seed": 5},
       "progress": {"epochs": 1, "batches": 2, "loss": 1.5, "seconds": 0.5}}


def sound():
    """The checkpoint of a training that has begun."""
    training = trainer()
    fit(training, StopAfter(7))
    return make_checkpoint(PLAN, training.progress, training.model.state_dict(), training.state_dict())


def test_a_checkpoint_is_read_as_it_was_to_the_last_bit(tmp_path):
    checkpoint = replace(sound(), loss=0.1 + 0.2)
    checkpoint.save(tmp_path / "last")
    found = read_checkpoint(tmp_path / "last")
    for name in ("model", "trainer"):
        assert_same_bits(getattr(found, name), getattr(checkpoint, name))
    assert replace(found, model={}, trainer={}) == replace(checkpoint, model={}, trainer={})
    assert (found.epochs, found.batches, found.plan) == (1, 2, PLAN)


def test_a_checkpoint_that_is_cut_off_anywhere_is_refused_with_its_name(tmp_path):
    path = tmp_path / "last"
    sound().save(path)
    content = path.read_bytes()
    for length in (*range(400), *range(400, len(content), 101), len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="last: cannot be read as a checkpoint"):
            read_checkpoint(path)


@pytest.mark.parametrize(("metadata", "message"), [
    ({}, "expected a run's checkpoint .* found format None"),
    ({"format": "fastconv 1"}, "found format 'fastconv 1'"),
    ({"format": FORMAT}, "does not describe a run: 'run'"),
    ({"format": FORMAT, "run": "x" * 10_001}, "longer than 10,000"),
    ({"format": FORMAT, "run": "[" * 9_999}, "does not describe a run"),
    ({"format": FORMAT, "run": "[]"}, "does not describe a run"),
    *(({"format": FORMAT, "run": json.dumps({**RUN, "progress": {**RUN["progress"], **change}})}, message)
      for change, message in (({"epochs": 4}, "epoch 4, batch 2 is not in"), ({"batches": 6}, "epoch 1, batch 6"),
                              ({"epochs": -1}, "found -1"), ({"epochs": True}, "found True"),
                              ({"epochs": 1.0}, "found 1.0"), ({"loss": None}, "found None"),
                              ({"loss": float("nan")}, "found nan"), ({"seconds": "1"}, "found '1'"))),
    *(({"format": FORMAT, "run": json.dumps({**RUN, "plan": {**RUN["plan"], **change}})}, message)
      for change, message in (({"batch_size": 0}, "is not in a training"), ({"seed": -1}, "found -1"))),
])
def test_another_file_is_refused(tmp_path, metadata, message):
    path = tmp_path / "last"
    path.write_bytes(save({"x": np.zeros(1, np.float32)}, metadata))
    with pytest.raises(CheckpointError, match=f"last: .*{message}"):
        read_checkpoint(path)


