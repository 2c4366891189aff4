"""Pictures of patterns, of which photographs have too few to train on.

Photographs do not train a network on alternating single pixels: one that had learned
edges amplified a checkerboard tenfold (experiments/NOTES.md). Text, dithering and
screenshots have such patterns. Few of the training photographs show cloth, whose
stripes JPEG breaks up block by block.

All numbers are ours.
"""

from collections.abc import Sequence

import cv2
import numpy as np

_SIDE = 64  # of a pattern, pixels
_COUNT = 5  # of patterns along a side of a sheet
_CELLS = (1, 2, 3)  # pixels a side


def pattern_sheet(seed: int) -> np.ndarray:
    """Patterns of two colours side by side: stripes, checkerboards, noise.

    Args:
        seed: Any integer of 0 or more; another seed gives other patterns.

    Returns:
        `[320, 320, 3]`, uint8.
    """
    rng = np.random.default_rng(seed)
    rows = [
        np.concatenate([_pattern(rng) for _ in range(_COUNT)], axis=1)
        for _ in range(_COUNT)
    ]
    return np.concatenate(rows)


def _pattern(rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.indices((_SIDE, _SIDE)) // rng.choice(_CELLS)
    noise = rng.integers(0, 2, (_SIDE, _SIDE))[rows, columns]
    shapes = [rows, columns, rows + columns, noise]
    colours = np.array([[0] * 3, [255] * 3])
    if rng.random() < 0.5:
        colours = rng.integers(0, 256, (2, 3))
    return colours[shapes[rng.integers(len(shapes))] % 2].astype(np.uint8)


def woven(picture: np.ndarray, seed: int) -> np.ndarray:
    """`picture` with stripes and checks over parts of it, like folded cloth.

    Args:
        picture: `[H, W]` or `[H, W, 3]`, uint8.
        seed: Any integer of 0 or more; another seed gives other cloth.

    Returns:
        Like `picture`.
    """
    rng = np.random.default_rng((seed, 7))
    cloth = np.sum([_cloth(rng, picture.shape[:2]) for _ in range(3)], axis=0)
    if picture.ndim == 3:
        cloth = cloth[..., None] * rng.uniform(0.5, 1, 3)
    return np.clip(np.round(picture + cloth), 0, 255).astype(np.uint8)


def _cloth(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """`[H, W]`: stripes, or two across each other, in some places; grey levels."""
    rows, columns = np.indices(shape)
    angle, frequency = rng.uniform(0, np.pi), rng.uniform(0.06, 0.42)
    folds = _field(rng, shape, rng.uniform(20, 60)) * rng.uniform(0, 8)
    cloth = np.ones(shape)
    for turned in (0, np.pi / 2)[: rng.integers(1, 3)]:
        across = columns * np.cos(angle + turned) + rows * np.sin(angle + turned)
        wave = np.sin(2 * np.pi * frequency * (across + folds))
        cloth *= np.sign(wave) * np.abs(wave) ** rng.uniform(0.4, 1)
    contrast = rng.uniform(5, 50) * (1 + 0.4 * _field(rng, shape, 30))
    place = np.clip(2 * _field(rng, shape, 40) - 1, 0, 1)
    return contrast * cloth * place


def _field(rng: np.random.Generator, shape: Sequence[int], scale: float) -> np.ndarray:
    """Noise that is smooth over `scale` pixels, of standard deviation 1."""
    noise = cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), scale)
    return noise / noise.std()
