"""Self-ensemble: the mean over the eight symmetries of the square."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from dual_prior.jpeg.table_plane import Tables
from dual_prior.restoration.symmetries import turn, turn_back
from dual_prior.restoration.tiles import GRID


def self_ensemble(networks: Sequence[Callable]) -> Callable:
    """Averages eight networks, each applied to a turned or mirrored picture.

    Eight times as slow as one, and usually a little better. The picture first gets edge
    padding to whole blocks, so that they stay on the grid when it is turned.

    Args:
        networks: Eight functions, one for each symmetry of `symmetries.turn`. Each maps
            `[1, H, W, C]`, float32 in [0, 1], to the same, or that and the tables of
            the picture turned. They differ only for tiles, which have contexts of their
            picture.

    Returns:
        A function from `[1, H, W, C]`, and the picture's tables if the networks take
        any, to the mean, a NumPy array.

    Source: Timofte, Rothe, Van Gool, "Seven ways to improve example-based single image
    super resolution", CVPR 2016 ("enhanced prediction").
    """

    def restore(y, *tables: Tables) -> np.ndarray:
        y = keras.ops.convert_to_numpy(y)[0]
        height, width = y.shape[:2]
        bottom, right = -height % GRID, -width % GRID
        whole = np.pad(y, ((0, bottom), (0, right), (0, 0)), "edge")
        total = np.zeros_like(whole)
        for symmetry, network in enumerate(networks):
            turned = np.ascontiguousarray(turn(whole, symmetry))
            of_turned = [t.turned(symmetry, *whole.shape[:2]) for t in tables]
            restored = keras.ops.convert_to_numpy(network(turned[None], *of_turned))[0]
            total += turn_back(restored, symmetry)
        return total[None, :height, :width] / np.float32(len(networks))

    return restore
