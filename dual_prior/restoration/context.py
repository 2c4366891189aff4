"""What the tiles of a large picture need to know of the whole of it.

The non-local operation is the one part of the network whose reach has no end: each
position sees the mean of a product over all of them, the context. With contexts of its
own, a tile of sky is restored otherwise than the same sky in the whole picture, by ten
grey levels at worst. Here they are measured on windows spread over the picture, twice:
what the second unit sees depends on the context of the first.
"""

from collections.abc import Iterator

import numpy as np
from keras import ops

# All numbers ours: they bound what a picture of any size costs in advance.
WINDOW = 256  # pixels a side
_MAX_WINDOWS = 5  # along a side
_PASSES = 2
_GRID = 8  # the side of a JPEG block


def picture_contexts(network, planes: np.ndarray, seen) -> np.ndarray:
    """The contexts of a picture, for `DualPriorNetwork.call`.

    Args:
        network: A `DualPriorNetwork`.
        planes: The picture `[H, W, C]`.
        seen: Maps `[h, w, C]`, a window of it, to what the network is shown of it.

    Returns:
        `[K, n, 1, R, R]`, float32.
    """
    contexts = None
    for _ in range(_PASSES):
        total, pixels = 0, 0
        for window in _windows(planes):
            states = network(seen(window)[None], contexts, return_stages=True)
            own = [ops.convert_to_numpy(state["contexts"]) for state in states]
            size = window.shape[0] * window.shape[1]
            total, pixels = total + size * np.stack(own), pixels + size
        contexts = (total / pixels).astype(np.float32)
    return contexts


def _windows(planes: np.ndarray) -> Iterator[np.ndarray]:
    tops, lefts = (_starts(side) for side in planes.shape[:2])
    for top in tops:
        for left in lefts:
            yield planes[top : top + WINDOW, left : left + WINDOW]


def _starts(side: int) -> list[int]:
    """Evenly spread; side by side where the picture is small."""
    count = min(_MAX_WINDOWS, -(-side // WINDOW))
    last = max(0, side - WINDOW)
    return [round(last * i / max(1, count - 1)) // _GRID * _GRID for i in range(count)]
