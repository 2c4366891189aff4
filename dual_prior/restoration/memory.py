"""The sizes of tiles and of overlapping pictures within the memory limit."""

import math

import numpy as np

from dual_prior.network.presets import find_preset
from dual_prior.restoration.options import Options
from dual_prior.restoration.tiles import OVERLAP

# GiB that the process needs besides the picture and a tile: measured.
_BASE_GIB = 0.88

# Rows of tiles in memory at once, float32: parts, joined, those of the row before.
_ROWS_OF_TILES = 4

# Rows of float32 that guiding chroma takes while no tile is restored: eleven times a
# strip of 256 rows with 64 on either side. Measured.
_ROWS_OF_STRIPS = 11 * 384

# Bytes that a pixel takes until it is written: 8 bits in three channels, as read, as
# restored, as encoded, and put together as a file.
_BYTES_PER_PIXEL = 12

# Share of the memory for pictures that are read and written at the same time.
_SHARE_OF_NEIGHBOURS = 0.1  # ours

# Sides of tiles, pixels, ours.
MIN_TILE, MAX_TILE = 2 * OVERLAP, 1280


def largest_tile(
    image: np.ndarray,
    options: Options,
    num_channels: int | None = None,
    held_bytes: int = 0,
) -> int:
    """The side of the largest tiles that fit into `options.max_memory`, pixels.

    Args:
        image: `[H, W]` or `[H, W, 3]`, uint8 or uint16.
        options: How it is restored.
        num_channels: Including alpha, which takes memory, too; by default the number
            of channels of `image`.
        held_bytes: Of the coefficients of its file.

    Raises:
        MemoryError: Not even the smallest tiles fit.
    """
    depth = options.depth or 8 * image.itemsize
    if num_channels is None:
        num_channels = image[0, 0].size
    size = image.shape[0] * image.shape[1] * num_channels
    # As read; as restored, as encoded, and put together as a file.
    pictures = size * image.itemsize + 3 * size * depth // 8
    row = 4 * image[0].size  # bytes of a row of pixels as float32
    per_pixel = find_preset(options.preset).profile.bytes_per_tile_pixel

    def needed(tile: int) -> float:
        strips = _ROWS_OF_STRIPS * row if held_bytes else 0
        tiles = max(per_pixel * tile**2, strips) + _ROWS_OF_TILES * row * tile
        gib = _BASE_GIB + (pictures + held_bytes + tiles) / 2**30
        return gib / (1 - _SHARE_OF_NEIGHBOURS)

    allowed = options.max_memory
    if needed(MIN_TILE) > allowed:
        enough = math.ceil(10 * needed(MIN_TILE)) / 10
        raise MemoryError(
            f"needs about {enough:.1f} GiB; max_memory allows {allowed:.1f}: raise it"
        )
    sides = range(MIN_TILE, MAX_TILE + 1, 8)
    return max(side for side in sides if needed(side) <= allowed)


def max_overlapping_pixels(max_memory: float) -> int:
    """Pixels up to which a picture is read or written while another one is restored.

    Args:
        max_memory: GiB of the whole process.
    """
    share = _SHARE_OF_NEIGHBOURS * max_memory * 2**30
    return int(share / (2 * _BYTES_PER_PIXEL))  # the one before and the one after
