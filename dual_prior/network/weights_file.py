"""Reads weights from a file, and checks that they fit the network."""

import math
import os

import keras


def load_weights(network: keras.Model, path: str | os.PathLike) -> None:
    """Reads a `.weights.h5` file into `network`, which is built.

    Raises:
        OSError: The file is missing, is not a weights file, or is not named like one.
        ValueError: Its weights do not fit the network.
    """
    path = os.fspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path}: no such weights file.")
    if not path.endswith(".weights.h5"):  # Keras goes by the name
        raise OSError(f"{path}: expected a name that ends in .weights.h5.")
    try:
        stored = _stored_shapes(path)
    except OSError as error:
        raise OSError(f"{path}: not a Keras .weights.h5 file.") from error
    # Keras itself accepts a file that holds more than the network needs.
    wanted = sorted(tuple(weight.shape) for weight in network.weights)
    mismatch = f"{path}: these weights do not fit the network {network.name!r}"
    if stored != wanted:
        raise ValueError(
            f"{mismatch}, which has {len(wanted)} weights of {_numbers(wanted):,} "
            f"numbers; the file has {len(stored)} of {_numbers(stored):,}."
        )
    try:
        network.load_weights(path)
    except ValueError as error:
        raise ValueError(f"{mismatch}: they are of another structure.") from error


def _stored_shapes(path: str) -> list[tuple[int, ...]]:
    import h5py

    shapes = []

    def visit(name, item):
        # The file of a compiled model, or part, holds its optimiser, too.
        if isinstance(item, h5py.Dataset) and "optimizer" not in name.split("/"):
            shapes.append(item.shape)

    with h5py.File(path) as file:
        file.visititems(visit)
    return sorted(shapes)


def _numbers(shapes: list[tuple[int, ...]]) -> int:
    return sum(math.prod(shape) for shape in shapes)
