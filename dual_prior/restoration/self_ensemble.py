"""The mean of what a network makes of a picture turned and mirrored eight ways."""

from collections.abc import Callable, Sequence

import keras
import numpy as np

from dual_prior.restoration.symmetries import turn, turn_back

_GRID = 8  # the side of a JPEG block


def self_ensemble(networks: Sequence[Callable]) -> Callable:
    """A network eight times: slower by that, and usually a little better.

    The picture is first extended to whole blocks, so that its grid stays in place
    however it is turned.

    Args:
        networks: Eight, one for the picture as each symmetry of `patches.turn` leaves
            it. Each maps `[1, H, W, C]`, float32 in [0, 1], to the same. Mostly the
            same one; they differ by what they know of the whole of a large picture.

    Returns:
        What maps `[1, H, W, C]` to the mean, a NumPy array.

    Source: Timofte, Rothe, Van Gool, "Seven ways to improve example-based single image
    super resolution", CVPR 2016 ("enhanced prediction").
    """

    def restore(y) -> np.ndarray:
        y = keras.ops.convert_to_numpy(y)[0]
        height, width = y.shape[:2]
        bottom, right = -height % _GRID, -width % _GRID
        whole = np.pad(y, ((0, bottom), (0, right), (0, 0)), "edge")
        total = np.zeros_like(whole)
        for symmetry, network in enumerate(networks):
            turned = np.ascontiguousarray(turn(whole, symmetry))
            restored = keras.ops.convert_to_numpy(network(turned[None]))[0]
            total += turn_back(restored, symmetry)
        return total[None, :height, :width] / np.float32(len(networks))

    return restore
