"""A training that goes on after whatever ended it: `python examples/resume.py FOLDER`, as often as you like.

Stop it with Ctrl-C, or kill it, and start it again: the weights it ends with are those of a run that was never
interrupted, to the last bit. Without FOLDER it starts itself, kills what it has started, and goes on.
"""

import subprocess
import sys
from tempfile import TemporaryDirectory

import fastconv as fc
from fastconv import data, models, optim

EPOCHS = 8


class Shown(fc.Callback):
    def on_epoch_end(self, result: fc.EpochResult) -> None:
        print(f"epoch {result.epoch}  test accuracy {result.validation['accuracy']:.2%}", flush=True)


def train(folder: str) -> None:
    """Trains LeNet-5 from where the folder says it was."""
    training, test = data.digits()
    trainer = fc.Trainer(models.lenet5(), optim.AdamW(lr=6e-3))
    with fc.Run(folder, trainer) as run:
        print(f"{len(run.progress.results)} of {EPOCHS} epochs are done", flush=True)
        trainer.fit(training, EPOCHS, validation=test, schedule=optim.OneCycle(max_lr=6e-3), callbacks=[Shown(), run],
                    start=run.progress)


def killed(folder: str) -> None:
    """Starts this file on a folder, and kills it when it has done three epochs."""
    with subprocess.Popen([sys.executable, __file__, folder], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="")
            if line.startswith("epoch 3"):
                child.kill()
    print("killed")


def main(folder: str | None = None) -> None:
    if folder is not None:
        train(folder)
        return
    with TemporaryDirectory() as own:
        killed(own)
        train(own)


if __name__ == "__main__":
    main(*sys.argv[1:])
