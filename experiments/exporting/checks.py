"""Checks of an exported file before it gets its final name."""

import importlib.util
from collections.abc import Callable

import keras
import numpy as np

from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.exporting.pixels import restored

_ROUNDING = 1e-3  # ours; measured: below 1e-5


def require(file_format: str, *packages: str) -> None:
    """Checks that a format can be exported here.

    Raises:
        ValueError: A package is not installed, or the backend is not TensorFlow.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            f"{file_format}: expected the TensorFlow backend, from whose graphs it is "
            f"written; KERAS_BACKEND is {keras.backend.backend()}."
        )
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"{file_format} needs {', '.join(missing)}: pip install dual-prior[exports]"
        )


def largest_difference(
    network: DualPriorNetwork | ColourNetwork,
    exported: Callable[[np.ndarray], np.ndarray],
    height: int,
    width: int,
) -> float:
    """The largest difference between a file in its runtime and Keras, on noise.

    Args:
        network: The exported network.
        exported: Maps `[1, height, width, C]`, float32 in [0, 1], to the same.

    Raises:
        ValueError: The difference is too large to be rounding, or not finite.
    """
    shape = (1, height, width, network.channels)
    image = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    expected = keras.ops.convert_to_numpy(restored(network, image))
    found = float(np.abs(exported(image) - expected).max())
    if not found < _ROUNDING:
        raise ValueError(f"it is off by {found:.2g} from what Keras computes")
    return found
