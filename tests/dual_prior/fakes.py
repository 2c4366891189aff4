"""Restorers that load instantly, for tests of the code around them."""

import time
from types import SimpleNamespace

import numpy as np


class Darkening:
    """In the place of a `Restorer`: makes pictures darker by 5 of 255 levels."""

    def __init__(self, options=None, pause: float = 0.0):
        self._pause = pause

    def restore(self, image, on_tile=None, num_channels=None, tables=None):
        time.sleep(self._pause)
        step = 5 * (257 if image.dtype == np.uint16 else 1)
        pixels = np.where(image >= step, image - step, 0).astype(image.dtype)
        return result(pixels, self.probability(image))

    def probability(self, image):
        return 0.75


def result(pixels, probability=0.75, skipped=False):
    """The result of `Restorer.restore`."""
    return SimpleNamespace(pixels=pixels, probability=probability, skipped=skipped)


def with_restore(restore):
    """Returns a loader of a restorer whose method `restore` is the given function."""

    class Fake(Darkening):
        def restore(self, image, on_tile=None, num_channels=None, tables=None):
            return restore(image)

    return Fake


def raising(error):
    """A function of anything that raises `error`."""

    def raise_it(*_):
        raise error

    return raise_it
