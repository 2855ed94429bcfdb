import io
from dataclasses import replace

from rich.console import Console

import fastconv as fc
from fastconv.trainer import EpochResult
from fastconv_cli.progress import DownloadProgress, TrainingProgress

RESULT = EpochResult(epoch=1, loss=0.5, lr=0.01, seconds=1.25, images_per_second=160.0,
                     validation={"loss": 0.4, "accuracy": 0.9})


NEW = fc.Progress()
PLAN = fc.Plan(epochs=2, batch_size=100, images=200, seed=0)


def train(console, start=NEW):
    """What epochs of 200 images print."""
    with TrainingProgress(console) as progress:
        progress.on_fit_start(PLAN, start)
        for epoch in range(start.epoch, 3):
            progress.on_batch_end(epoch, images=100, loss=0.5 / epoch)
            progress.on_batch_end(epoch, images=200, loss=0.25 / epoch)
            progress.on_epoch_end(replace(RESULT, epoch=epoch))
            progress.view.refresh()
    return console.file.getvalue()


def test_without_a_terminal_each_epoch_is_one_plain_line():
    lines = [f"epoch {epoch}/2  loss 0.5000  test accuracy 90.00%  160 images/s  1.2 s\n" for epoch in (1, 2)]
    assert train(Console(file=io.StringIO(), width=40)) == "".join(lines)


def test_a_training_that_goes_on_says_where():
    shown = train(Console(file=io.StringIO()), fc.Progress((RESULT,), batches=1))
    assert shown.splitlines()[0] == "going on after epoch 1/2, batch 1 of 2"
    assert shown.splitlines()[1].startswith("epoch 2/2")


def test_the_images_of_the_validation_have_their_name():
    console = Console(file=io.StringIO())
    TrainingProgress(console, "held-out").on_epoch_end(RESULT)
    assert "held-out accuracy 90.00%" in console.file.getvalue()


def test_a_terminal_also_sees_a_bar_with_speed_and_curves():
    shown = train(Console(file=io.StringIO(), force_terminal=True, width=100))
    assert "epoch 2/2" in shown
    assert "images/s" in shown
    assert "0:00:00" in shown
    assert "loss      █" in shown
    assert "▁  0.1250" in shown
    assert "accuracy" in shown
    assert "90.00%" in shown


def test_the_curves_of_a_training_that_goes_on_begin_where_it_began():
    shown = train(Console(file=io.StringIO(), force_terminal=True, width=100), fc.Progress((RESULT,)))
    assert "loss                     █" in shown


def test_a_terminal_sees_each_download_and_a_pipe_nothing():
    for terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=terminal, width=120)
        with DownloadProgress(console) as progress:
            progress("images.gz", 0, 2_000_000)
            progress("images.gz", 1_000_000, 2_000_000)
            progress("labels.gz", 10, None)
        shown = console.file.getvalue()
        assert ("images.gz" in shown and "1.0/2.0 MB" in shown) == terminal
        assert ("labels.gz" in shown) == terminal
