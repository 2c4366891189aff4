"""What a person sees of a training run: a bar on a terminal, lines in a log."""

import sys
import time

import keras
from tqdm import tqdm

from experiments.training.clock import Clock


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
        # With several steps per execution, `batch` is the last of them.
        self._step = self._epoch * self._steps_per_epoch + batch + 1
        self._step_ended = time.monotonic()
        if self._paced_from is None:
            self._paced_from = self._step, self._step_ended
        figures = _figures({**logs, **self._validation})
        if self._clock:
            figures["left"] = tqdm.format_interval(max(0.0, self._clock.left))
        self._bar.update(self._step - self._bar.n)
        self._bar.set_postfix(figures, refresh=False)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        # The first execution may have been compiled before: it does not count.
        self._paced_from = None

    def on_epoch_end(self, epoch, logs=None):
        self._validation = {k: v for k, v in logs.items() if k.startswith("val_")}
        if not self._on_terminal:
            print(self._line(logs), flush=True)

    def on_train_end(self, logs=None):
        self._bar.close()

    def _line(self, logs: dict) -> str:
        if self._clock:
            count, left = f"{self._step}", max(0.0, self._clock.left)
        else:
            pace = (time.monotonic() - self._started) / (self._step - self._first_step)
            count = f"{self._step}/{self._num_steps}"
            left = pace * (self._num_steps - self._step)
        parts = [f"{self._title}  step {count}"]
        parts += [f"{name} {value}" for name, value in _figures(logs).items()]
        step, ended = self._paced_from
        if self._step > step:
            seconds = (self._step_ended - ended) / (self._step - step)
            parts.append(f"{1000 * seconds:.0f} ms/step")
        return "  ".join([*parts, f"left {tqdm.format_interval(left)}"])


def _figures(logs: dict) -> dict[str, str]:
    return {name: f"{float(value):.5g}" for name, value in logs.items()}
