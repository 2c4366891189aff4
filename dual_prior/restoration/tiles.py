"""Pictures larger than memory allows at once: in tiles that overlap and fade.

    |---- tile 1 ----|             tiles start on the grid of JPEG blocks;
                |---- tile 2 ----| across the middle of the overlap, one
                 margin|ramp|margin  fades into the next, and its margins,
                                     where it sees less than the whole, are dropped

A row of tiles is put together before the next one is begun, so that no more than two of
them, each in parts and joined, are in memory, whatever the size of the picture.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

OVERLAP = 96  # ours, pixels: more than the stages see around a pixel on either side
_RAMP = 32  # ours, pixels
GRID = 8  # the side of a JPEG block

OnTile = Callable[[int, int], None]


def tile_starts(side: int, tile: int) -> list[int]:
    """Where tiles start along a side: on the grid, the last as long as the others.

    Args:
        side: Pixels along the picture.
        tile: Pixels along a tile, a multiple of 8, more than `OVERLAP`.
    """
    if side <= tile:
        return [0]
    # The last one starts on the grid, too, and so may be up to 7 pixels short.
    last = -(-(side - tile) // GRID) * GRID
    return [*range(0, last, tile - OVERLAP), last]


def tiled_pixels(height: int, width: int, tile: int) -> int:
    """Pixels of all tiles of a picture together: what restoring it takes."""
    return math.prod(
        sum(min(tile, side - start) for start in tile_starts(side, tile))
        for side in (height, width)
    )


def map_tiles(
    function: Callable[[np.ndarray, int, int], np.ndarray],
    image: np.ndarray,
    tile: int,
    on_tile: OnTile | None = None,
) -> Iterator[tuple[int, np.ndarray]]:
    """Applies `function` tile by tile, and yields the result in bands of whole rows.

    Args:
        function: Maps `[h, w, C]`, and the row and column at which it begins, to
            float32 of the same shape.
        image: `[H, W, C]`.
        tile: Side of a tile, pixels, a multiple of 8, more than `OVERLAP`.
        on_tile: Called with (tiles done, tiles in all) after each tile.

    Yields:
        (first row, rows `[h, W, C]`), from top to bottom, every row once.
    """
    tops, lefts = (tile_starts(side, tile) for side in image.shape[:2])
    total = len(tops) * len(lefts)
    done = 0

    def row_of_tiles(top: int) -> Iterator[tuple[int, np.ndarray]]:
        nonlocal done
        for left in lefts:
            yield left, function(image[top : top + tile, left : left + tile], top, left)
            done += 1
            if on_tile is not None:
                on_tile(done, total)

    def bands() -> Iterator[tuple[int, np.ndarray]]:
        for top in tops:
            parts = [part for _, part in _joined(row_of_tiles(top), axis=1)]
            yield top, np.concatenate(parts, axis=1)

    yield from _joined(bands(), axis=0)


def _joined(
    pieces: Iterator[tuple[int, np.ndarray]], axis: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Overlapping pieces along an axis, faded into each other: (start, part)."""
    start, piece = next(pieces)
    for next_start, next_piece in pieces:
        overlap = start + piece.shape[axis] - next_start
        alone, before = np.split(piece, [next_start - start], axis)
        after, rest = np.split(next_piece, [overlap], axis)
        weight = _ramp(overlap).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        yield start, alone
        start = next_start
        piece = np.concatenate([before + weight * (after - before), rest], axis)
    yield start, piece


def _ramp(overlap: int) -> np.ndarray:
    """Weights `[overlap]` of the next piece: 0, then a ramp in the middle, then 1."""
    position = np.arange(overlap, dtype=np.float32) + np.float32(0.5 - overlap / 2)
    return np.clip(position / np.float32(_RAMP) + np.float32(0.5), 0, 1)
