"""Training that ends in time, however fast the machine turns out to be."""

import math
import time
from collections.abc import Callable

import keras

_WARM_UP = 1 / 50  # of the time; ours
_FIRST = 1 / 10  # of the learning rate, at the very beginning; ours


class Clock(keras.callbacks.Callback):
    """Ends `fit` after some minutes, and takes the learning rate to 0 by then.

    Goes by whole epochs: the rate is set when one begins, and the one that the time
    runs out in is the last. Compiling and validating count.

    Args:
        minutes: Of training in all.
        learning_rate: What the optimiser starts from, a number.
        cosine: Warm up over the first 1/50 of the time, then lower to 0 along a cosine;
            otherwise the rate is fixed.
        spent: Seconds that were trained before.
        now: What tells the time, in seconds.

    Attributes:
        spent: Seconds trained, as of the last epoch that has ended.
    """

    def __init__(
        self,
        minutes: float,
        learning_rate: float,
        cosine: bool,
        spent: float = 0.0,
        now: Callable[[], float] = time.monotonic,
    ):
        super().__init__()
        self.spent = spent
        self._seconds = 60 * minutes
        self._learning_rate = learning_rate
        self._cosine = cosine
        self._now = now

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.spent >= self._seconds

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self._seconds - self.spent)

    def on_train_begin(self, logs=None):
        self._began = self._now() - self.spent

    def on_epoch_begin(self, epoch, logs=None):
        if self._cosine:
            share = (self._now() - self._began) / self._seconds
            self.model.optimizer.learning_rate = self._learning_rate * factor(share)

    def on_epoch_end(self, epoch, logs=None):
        self.spent = self._now() - self._began
        if self.is_over:
            self.model.stop_training = True


def factor(share: float) -> float:
    """What the learning rate is multiplied by after a share of the time, in [0, 1]."""
    if share < _WARM_UP:
        return _FIRST + (1 - _FIRST) * share / _WARM_UP
    through = min(1.0, (share - _WARM_UP) / (1 - _WARM_UP))
    return 0.5 * (1 + math.cos(math.pi * through))
