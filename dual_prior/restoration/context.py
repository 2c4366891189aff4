"""The contexts of a whole picture, which its tiles share.

The non-local operation has unlimited reach: each position uses the mean of a product
over all positions, the context. With its own context, a tile of sky would differ from
the same sky in the whole picture by up to ten grey levels. Here the contexts are
measured on windows spread over the picture, twice: the input of the second unit depends
on the context of the first.
"""

from collections.abc import Iterator

import numpy as np
from keras import ops

from dual_prior.restoration.tiles import GRID

# All numbers ours: they bound what a picture of any size costs in advance.
WINDOW = 256  # pixels a side
_MAX_WINDOWS = 5  # along a side


def picture_contexts(network, planes: np.ndarray, seen) -> np.ndarray:
    """The contexts of a picture, for `in_context`.

    Args:
        network: A `DualPriorNetwork` whose de-blocker is a `Deblocker`.
        planes: The picture `[H, W, C]`.
        seen: Maps a window of it, `[h, w, C]`, to the input of the network.

    Returns:
        `[K, n, 1, R, R]`, float32.
    """

    def mean_contexts(given: np.ndarray | None) -> np.ndarray:
        total, pixels = np.zeros((), np.float32), 0
        for window in _windows(planes):
            own = _own_contexts(network, seen(window)[None], given)
            size = window.shape[0] * window.shape[1]
            total, pixels = total + size * own, pixels + size
        return (total / pixels).astype(np.float32)

    return mean_contexts(mean_contexts(None))


def in_context(network, contexts, y):
    """x_K, as `network(y)`, of a part of the picture that `contexts` are of.

    Args:
        network: A `DualPriorNetwork` whose de-blocker is a `Deblocker`.
        contexts: As `picture_contexts` returns.
        y: `[B, H, W, C]`, float32 in [0, 1].
    """
    x = y
    for stage, given in zip(network.stages, contexts, strict=True):
        x = stage.after(y, x, network.deblocker(x, given))["x"]
    return x


def _own_contexts(network, y, contexts) -> np.ndarray:
    """The contexts of the image of each stage, restored with `contexts` if given."""
    x, own_contexts = y, []
    for k, stage in enumerate(network.stages):
        given = None if contexts is None else contexts[k]
        u, own = network.deblocker.with_contexts(x, given)
        own_contexts.append(ops.convert_to_numpy(own))
        x = stage.after(y, x, u)["x"]
    return np.stack(own_contexts)


def _windows(planes: np.ndarray) -> Iterator[np.ndarray]:
    tops, lefts = (_starts(side) for side in planes.shape[:2])
    for top in tops:
        for left in lefts:
            yield planes[top : top + WINDOW, left : left + WINDOW]


def _starts(side: int) -> list[int]:
    """Evenly spread; side by side where the picture is small."""
    count = min(_MAX_WINDOWS, -(-side // WINDOW))
    last = max(0, side - WINDOW)
    return [round(last * i / max(1, count - 1)) // GRID * GRID for i in range(count)]
