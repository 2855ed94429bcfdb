"""Runs that lose their process, their disk or their rights at any moment."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

import fastconv as fc
from fastconv.runs.checkpoint import read_checkpoint
from fastconv.runs.run import LAST
from tests.networks import assert_same_bits
from tests.trainings import everything, fit, trainer

KILLS, EPOCHS = 20, 30

#: 70 images in batches of 16.
STEPS = 5 * EPOCHS

posix = pytest.mark.skipif(os.name == "nt", reason="needs fork, kill and mount")


class Steps(fc.Callback):
    """Sends word of every step. Where it `stays`, the last epoch waits to be killed: a busy machine kills late."""

    def __init__(self, sender, stays):
        self.sender, self.stays = sender, stays

    def on_batch_end(self, epoch, images, loss):
        self.sender.send(None)
        if self.stays and epoch == EPOCHS:
            signal.pause()


def train(folder, seconds, stays, sender):
    """Trains in a child, which sends word of every step and what it ends with."""
    training = trainer()
    with fc.Run(folder, training, seconds=seconds) as run:
        fit(training, Steps(sender, stays), run, start=run.progress, epochs=EPOCHS)
    sender.send(everything(training))


class Child:
    """A forked process that trains."""

    def __init__(self, folder, seconds, stays=False):
        context = multiprocessing.get_context("fork")
        self.receiver, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=train, args=(folder, seconds, stays, sender))
        self.process.start()
        sender.close()

    def kill_after(self, steps, seconds):
        """Kills it so long after a step; it has then made some more."""
        for _ in range(steps):
            self.receiver.recv()
        time.sleep(seconds)
        self.process.kill()  # SIGKILL, which no process can answer
        self.process.join()
        return self.process.exitcode == -signal.SIGKILL

    def result(self):
        while (word := self.receiver.recv()) is None:
            pass
        self.process.join()
        return word


def whole():
    training = trainer()
    fit(training, epochs=EPOCHS)
    return everything(training)


@pytest.mark.slow
@posix
@pytest.mark.parametrize("seconds", [0.0, None], ids=["a checkpoint after every step", "by default"])
def test_a_run_that_is_killed_at_any_moment_goes_on_to_the_same_bits(tmp_path, seconds):
    expected, moments, written = whole(), random.Random(0), 0
    for number in range(KILLS):
        folder = tmp_path / str(number)
        assert Child(folder, seconds, stays=True).kill_after(moments.randrange(2, STEPS // 2), moments.uniform(0, 0.01))
        written += any(folder.glob(f".{LAST}.*"))
        if seconds == 0.0:
            assert read_checkpoint(folder / LAST).epochs < EPOCHS
        assert Child(folder, seconds).result() == expected
        assert not list(folder.glob(".*"))
    if seconds == 0.0:
        assert written, "none was killed while it wrote a checkpoint"


@pytest.mark.slow
@posix
def test_one_run_that_is_killed_again_and_again_ends_with_the_same_bits(tmp_path):
    moments, done = random.Random(1), 0
    for _ in range(KILLS):
        assert Child(tmp_path, 0.0).kill_after(moments.randrange(2, 4), moments.uniform(0, 0.001))
        checkpoint = read_checkpoint(tmp_path / LAST)
        before, done = done, checkpoint.epochs * checkpoint.plan.batches + checkpoint.batches
        assert done > before
    assert Child(tmp_path, 0.0).result() == whole()


@pytest.mark.slow
@posix
def test_a_command_that_is_killed_goes_on_to_the_same_file(tmp_path):
    def command(*arguments):
        return subprocess.Popen(
            [sys.executable, "-m", "fastconv_cli", "train", *arguments], cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"})

    def finish(process):
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, output + errors

    described = ("--epochs", "30", "--batch-size", "32")
    finish(command(*described, "--run", "whole", "--output", "whole.safetensors"))
    process = command(*described, "--run", "killed", "--output", "killed.safetensors")
    for _ in range(3):
        assert "epoch" in process.stdout.readline()
        time.sleep(random.Random(2).uniform(0, 0.2))
        process.kill()
        process.communicate()
        process = command("--resume", "killed")
    finish(process)
    for one, other in (("killed.safetensors", "whole.safetensors"),
                       ("killed/best.safetensors", "whole/best.safetensors")):
        assert_same_bits(fc.load(tmp_path / one).state_dict(), fc.load(tmp_path / other).state_dict())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_a_folder_that_cannot_be_written_any_more_is_told_and_keeps_its_checkpoint(tmp_path, uninterrupted):
    class Forbid(fc.Callback):
        def on_epoch_end(self, result):
            folder.chmod(0o555)
            if os.geteuid() == 0:
                os.seteuid(65534)

    folder, training = tmp_path / "run", trainer()
    try:
        with (pytest.raises(PermissionError, match=r"run.best\.safetensors"),
              fc.Run(folder, training, seconds=0.0) as run):
            fit(training, Forbid(), run, start=run.progress)
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        folder.chmod(0o755)
    assert read_checkpoint(folder / LAST).batches == 5
    training = trainer()
    with fc.Run(folder, training) as run:
        fit(training, run, start=run.progress)
    assert everything(training) == uninterrupted


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="mounts a small disk")
def test_a_disk_that_is_full_is_told_and_keeps_its_checkpoint(tmp_path, uninterrupted):
    class Fill(fc.Callback):
        def on_batch_end(self, epoch, images, loss):
            if (epoch, images) == (2, 48):
                with (disk / "filling").open("wb", buffering=0) as file, suppress(OSError):
                    while True:
                        file.write(bytes(4096))

    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount")
    try:
        training = trainer()
        with (pytest.raises(OSError, match="No space left on device") as raised,
              fc.Run(disk / "run", training, seconds=0.0) as run):
            fit(training, Fill(), run, start=run.progress)
        assert raised.value.errno == errno.ENOSPC
        assert raised.value.filename == str(disk / "run" / LAST)
        assert read_checkpoint(disk / "run" / LAST).batches == 2
        (disk / "filling").unlink()
        training = trainer()
        with fc.Run(disk / "run", training) as run:
            fit(training, run, start=run.progress)
        assert everything(training) == uninterrupted
    finally:
        subprocess.run(["umount", disk], check=True)
