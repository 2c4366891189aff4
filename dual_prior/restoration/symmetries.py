"""The eight symmetries of the square."""

import numpy as np

SYMMETRIES = 8


def turn_back(plane: np.ndarray, symmetry: int) -> np.ndarray:
    """The inverse of `turn`."""
    plane = plane[:, ::-1] if symmetry >= 4 else plane
    return np.rot90(plane, -(symmetry % 4))


def turn(plane: np.ndarray, symmetry: int) -> np.ndarray:
    """One of the eight symmetries of the square, 0 (none) to 7, of `[H, W, ...]`."""
    plane = np.rot90(plane, symmetry % 4)
    return plane[:, ::-1] if symmetry >= 4 else plane
