"""Large arrays through zlib, a few rows at a time: what it needs is the result."""

import zlib
from collections.abc import Callable

import numpy as np

_ROWS = 64  # ours


def deflated(planes: np.ndarray, filtered: Callable[[np.ndarray], np.ndarray]) -> bytes:
    """The zlib stream of what `filtered` makes of `planes`, band by band.

    Args:
        planes: `[H, ...]`.
        filtered: Maps a band of rows, `[h, ...]`, to the array whose bytes are stored.
    """
    stream = zlib.compressobj()
    parts = [
        stream.compress(filtered(planes[top : top + _ROWS]).tobytes())
        for top in range(0, len(planes), _ROWS)
    ]
    return b"".join([*parts, stream.flush()])
