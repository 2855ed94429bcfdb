import io

from rich.console import Console

from fastconv.trainer import EpochResult
from fastconv_cli.progress import DownloadProgress, TrainingProgress

RESULT = EpochResult(epoch=1, loss=0.5, lr=0.01, seconds=1.25, images_per_second=160.0,
                     validation={"loss": 0.4, "accuracy": 0.9})


def train(console):
    """What two epochs of 200 images print."""
    with TrainingProgress(console, epochs=2, images=200) as progress:
        for epoch in (1, 2):
            progress.on_batch_end(epoch, images=100, loss=0.5)
            progress.on_batch_end(epoch, images=200, loss=0.5)
            progress.bar.refresh()
            progress.on_epoch_end(RESULT)
    return console.file.getvalue()


def test_without_a_terminal_each_epoch_is_one_plain_line():
    line = "epoch 1/2  loss 0.5000  test accuracy 90.00%  160 images/s  1.2 s\n"
    assert train(Console(file=io.StringIO(), width=40)) == line * 2


def test_a_terminal_also_sees_a_bar_with_speed():
    shown = train(Console(file=io.StringIO(), force_terminal=True, width=100))
    assert "epoch 2/2" in shown
    assert "images/s" in shown
    assert "0:00:00" in shown


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
