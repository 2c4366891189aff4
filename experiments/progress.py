"""What a person sees of a training run: a bar on a terminal, lines in a log."""

import sys
import time

import keras
from tqdm import tqdm

from experiments.clock import Clock


class Progress(keras.callbacks.Callback):
    """Loss, validation score and time left of `fit`.

    Args:
        title: Name of what is being trained.
        first_step: Steps done before this `fit`.
        num_steps: Steps in all; None where the clock decides.
        steps_per_epoch: Steps between two validations.
        clock: What knows the time left, if not the steps.
    """

    def __init__(
        self,
        title: str,
        first_step: int,
        num_steps: int | None,
        steps_per_epoch: int,
        clock: Clock | None = None,
    ):
        super().__init__()
        self._title = title
        self._first_step = first_step
        self._num_steps = num_steps
        self._steps_per_epoch = steps_per_epoch
        self._clock = clock
        self._on_terminal = sys.stderr.isatty()
        self._validation = {}

    def on_train_begin(self, logs=None):
        self._started = time.monotonic()
        self._bar = tqdm(
            desc=self._title,
            initial=self._first_step,
            total=self._num_steps,
            unit="step",
            disable=not self._on_terminal,
        )

    def on_train_batch_end(self, batch, logs=None):
        self._last_step_ended = time.monotonic()
        # With several steps per execution, `batch` is the last of them.
        step = self._epoch * self._steps_per_epoch + batch + 1
        self._bar.update(step - self._bar.n)
        self._bar.set_postfix(_figures({**logs, **self._validation}), refresh=False)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._epoch_began = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        self._validation = {k: v for k, v in logs.items() if k.startswith("val_")}
        if not self._on_terminal:
            print(self._line((epoch + 1) * self._steps_per_epoch, logs), flush=True)

    def on_train_end(self, logs=None):
        self._bar.close()

    def _line(self, step: int, logs: dict) -> str:
        if self._clock:
            count, left = f"{step}", self._clock.left
        else:
            pace = (time.monotonic() - self._started) / (step - self._first_step)
            count = f"{step}/{self._num_steps}"
            left = pace * (self._num_steps - step)
        figures = "  ".join(f"{k} {v}" for k, v in _figures(logs).items())
        seconds = (self._last_step_ended - self._epoch_began) / self._steps_per_epoch
        return (
            f"{self._title}  step {count}  {figures}  {1000 * seconds:.0f} ms/step  "
            f"left {tqdm.format_interval(left)}"
        )


def _figures(logs: dict) -> dict[str, str]:
    return {name: f"{float(value):.5g}" for name, value in logs.items()}
