"""The progress of a training run: a bar on a terminal, lines in a log."""

import sys
import time

import keras
from tqdm import tqdm


class Progress(keras.callbacks.Callback):
    """Shows the progress of `fit`, its losses, and the time left of the whole run.

    `tqdm.keras.TqdmCallback` does not handle compiling and validating, resumed runs, or
    later phases.

    Args:
        title: Name of what is being trained.
        first_step: Steps done before this `fit`.
        num_steps: Steps in all.
        steps_per_epoch: Steps between two validations.
        later_steps: The work after this `fit`, in steps of this one.
    """

    def __init__(
        self,
        title: str,
        *,
        first_step: int,
        num_steps: int,
        steps_per_epoch: int,
        later_steps: float = 0.0,
    ):
        super().__init__()
        self._title = title
        self._first_step = self._step = first_step
        self._num_steps = num_steps
        self._steps_per_epoch = steps_per_epoch
        self._later_steps = later_steps
        self._on_terminal = sys.stderr.isatty()
        self._figures: dict[str, str] = {}

    def on_train_begin(self, logs=None):
        self._bar = tqdm(
            initial=self._first_step,
            total=self._num_steps,
            unit="step",
            bar_format="{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{postfix}",
            disable=not self._on_terminal,
        )
        self._paced_from = None
        self._say("compiling")
        if not self._on_terminal:
            print(f"{self._title}  compiling", flush=True)

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._epoch_paced_from = None

    def on_train_batch_end(self, batch, logs=None):
        # With several steps per execution, `batch` is the last of them.
        self._step = self._epoch * self._steps_per_epoch + batch + 1
        now = self._step, time.monotonic()
        if self._paced_from is None:  # the first execution was compiled, too
            self._paced_from = now
            self._say("")
        self._epoch_paced_from = self._epoch_paced_from or now
        self._now = now
        self._figures |= _figures(logs or {})
        self._bar.update(self._step - self._bar.n)
        self._bar.set_postfix({**self._figures, "left": self._left()}, refresh=False)

    def on_test_begin(self, logs=None):
        self._say("validating")

    def on_test_end(self, logs=None):
        self._say("")

    def on_epoch_end(self, epoch, logs=None):
        self._figures |= _figures(logs)
        if not self._on_terminal:
            step = f"step {self._step}/{self._num_steps}"
            figures = [f"{name} {value}" for name, value in self._figures.items()]
            pace = _pace(self._epoch_paced_from, self._now)
            if pace is not None:
                figures.append(f"{1000 * pace:.0f} ms/step")
            parts = [self._title, step, *figures, f"left {self._left()}"]
            print("  ".join(parts), flush=True)

    def on_train_end(self, logs=None):
        self._bar.close()

    def _say(self, doing: str) -> None:
        self._bar.set_description_str(": ".join(filter(None, [self._title, doing])))

    def _left(self) -> str:
        """Time left of the whole run at the pace so far, validations included."""
        pace = _pace(self._paced_from, (self._step, time.monotonic()))
        steps = self._num_steps - self._step + self._later_steps
        return "?" if pace is None else tqdm.format_interval(pace * steps)


def _pace(start: tuple[int, float], end: tuple[int, float]) -> float | None:
    """Seconds a step between two moments, each a step and a time in seconds."""
    steps = end[0] - start[0]
    return (end[1] - start[1]) / steps if steps else None


def _figures(logs: dict) -> dict[str, str]:
    return {name: f"{float(value):.5g}" for name, value in logs.items()}
