"""Rivals that are not networks, by name: those of the paper, and jpegqs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from dual_prior import jpeg
from experiments.contenders import jpegqs
from experiments.contenders.classical import layer_decomposition, sa_dct

# Maps a compressed plane `[H, W]`, uint8, and its quantization table to the restored
# one, unrounded.
Rival = Callable[[np.ndarray, np.ndarray], np.ndarray]

# By the names of Table 1: our code, by their papers.
CLASSICAL: dict[str, Rival] = {
    "SADCT": sa_dct.sa_dct,
    "LD": layer_decomposition.layer_decomposition,
}
# Their files, by name.
SOURCES = {
    "SADCT": Path(sa_dct.__file__),
    "LD": Path(layer_decomposition.__file__),
}


def rivals() -> dict[str, Rival]:
    """All that can be measured here: jpegqs only where it is installed."""
    tools = {"jpegqs": jpegqs.jpegqs} if jpegqs.is_installed() else {}
    return CLASSICAL | tools


def at_quality(rival: Rival, quality: int) -> Callable[[np.ndarray], np.ndarray]:
    """A function from a plane of that quality, uint8, to the restored one, uint8."""
    table = jpeg.quantization_table(quality)

    def restore(compressed: np.ndarray) -> np.ndarray:
        restored = rival(compressed, table)
        return np.clip(np.round(restored), 0, 255).astype(np.uint8)

    return restore
