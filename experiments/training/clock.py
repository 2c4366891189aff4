"""Training that ends in time, however fast the machine turns out to be."""

import math
import time
from collections.abc import Callable

import keras

_WARM_UP = 1 / 50  # of the time; ours
_FIRST = 1 / 10  # of the learning rate, at the very beginning; ours
_INTERVAL = 1 / 200  # of the time, between two changes of the rate; ours


class Clock(keras.callbacks.Callback):
    """Ends `fit` after some minutes, and takes the learning rate to 0 by then.

    Compiling and validating count, and a validation follows the end; what a kill has
    lost does not.

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
        self._began = None

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.left <= 0

    @property
    def left(self) -> float:
        """Seconds that are left, or by how many it is over if negative."""
        if self._began is None:
            return self._seconds - self.spent
        return self._seconds - (self._now() - self._began)

    def on_train_begin(self, logs=None):
        self._began = self._now() - self.spent
        self._set_rate()

    def on_train_batch_end(self, batch, logs=None):
        if self.is_over:
            self.model.stop_training = True
        elif self._share - self._share_of_rate >= _INTERVAL:
            self._set_rate()

    def on_epoch_end(self, epoch, logs=None):
        self.spent = self._now() - self._began

    @property
    def _share(self) -> float:
        return 1 - self.left / self._seconds

    def _set_rate(self):
        self._share_of_rate = self._share
        if self._cosine:
            if keras.backend.backend() == "jax":
                self.model.jax_state_sync()  # `fit` has the optimiser's state
            rate = self._learning_rate * factor(self._share_of_rate)
            self.model.optimizer.learning_rate = rate


def factor(share: float) -> float:
    """What the learning rate is multiplied by after a share of the time, in [0, 1]."""
    if share < _WARM_UP:
        return _FIRST + (1 - _FIRST) * share / _WARM_UP
    through = min(1.0, (share - _WARM_UP) / (1 - _WARM_UP))
    return 0.5 * (1 + math.cos(math.pi * through))
