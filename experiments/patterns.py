"""Pictures of patterns, which photographs have too few of to train on.

Nothing in photographs says what a network makes of single pixels in turn: what it had
learned of edges turned a checkerboard into ten times itself (see TRAINING.md). Text,
dithering and screenshots have such things.
"""

import numpy as np

# All numbers ours.
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
