"""Restorers that load instantly, for tests of the code around them."""

import time

import numpy as np


class Darkening:
    """In the place of a `Restorer`: makes pictures darker by 5 of 255 levels."""

    def __init__(self, options=None, pause: float = 0.0):
        self._pause = pause
        self._always = options is not None and options.always

    def restore(self, image, on_tile=None, *_):
        time.sleep(self._pause)
        step = 5 * (257 if image.dtype == np.uint16 else 1)
        pixels = np.where(image >= step, image - step, 0).astype(image.dtype)
        return pixels

    def probability(self, image):
        return 0.75

    def is_clean(self, probability, trace=None):
        return trace is None and probability < 0.5 and not self._always


def with_restore(restore):
    """Returns a loader of a restorer whose method `restore` is the given function."""

    class Fake(Darkening):
        def restore(self, image, on_tile=None, *_):
            return restore(image)

    return Fake


def raising(error):
    """A function of anything that raises `error`."""

    def raise_it(*_):
        raise error

    return raise_it
