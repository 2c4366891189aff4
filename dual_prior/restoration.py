"""Arrays in, arrays out: pictures of any size, restored in bounded memory.

A picture larger than a tile is restored tile by tile. Tiles start on the grid of JPEG
blocks and overlap; across the overlap one fades into the next. The fade matters: the
non-local operation and the pooling of the classifier look at a whole tile, so that two
tiles differ slightly where they meet.
"""

from collections.abc import Callable

import keras
import numpy as np

# Luma of JFIF files (ITU-R BT.601, full range): what a colour JPEG stores.
LUMA_WEIGHTS = (0.299, 0.587, 0.114)

TILE = 768  # ours: pixels a side; the pictures of the data sets are whole
OVERLAP = 64  # ours: more than the de-blocker sees around a pixel; TILE - OVERLAP is
# a multiple of 8, so that every tile starts on the grid of blocks.

OnTile = Callable[[int, int], None]


def restore(
    image: np.ndarray, network: Callable, on_tile: OnTile | None = None
) -> np.ndarray:
    """The picture without its JPEG artifacts.

    The luma of a colour picture is restored; its chroma stays as it is, so that no
    colour shifts.

    Args:
        image: `[H, W]` or `[H, W, 3]` (red, green, blue), uint8.
        network: A `DualPriorNetwork` of one channel.
        on_tile: Called with (tiles done, tiles in all) after each tile.

    Returns:
        The restored picture, shaped like `image`, uint8.

    Raises:
        ValueError: `image` is no such picture.
    """
    is_grey = image.ndim == 2
    is_colour = image.ndim == 3 and image.shape[2] == 3
    if image.dtype != np.uint8 or not (is_grey or is_colour) or image.size == 0:
        raise ValueError(
            "Expected a picture [H, W] or [H, W, 3] of uint8, got "
            f"{image.dtype} {list(image.shape)}."
        )
    if is_grey:
        return restore_luma(network, image, on_tile)
    pixels = image.astype(np.float32) / np.float32(255)
    luma = pixels @ np.float32(LUMA_WEIGHTS)
    # With the chroma kept, a change of luma is the same change of red, green and blue.
    pixels += (_restore_plane(network, luma, on_tile) - luma)[..., None]
    return _to_uint8(pixels)


def restore_luma(
    network: Callable, luma: np.ndarray, on_tile: OnTile | None = None
) -> np.ndarray:
    """A restored plane: what is measured by the paper's protocol.

    Args:
        network: A `DualPriorNetwork` of one channel.
        luma: Compressed plane `[H, W]`, uint8.
        on_tile: As for `restore`.

    Returns:
        `[H, W]`, uint8, clipped and rounded.
    """
    plane = luma.astype(np.float32) / np.float32(255)
    return _to_uint8(_restore_plane(network, plane, on_tile))


def _restore_plane(
    network: Callable, plane: np.ndarray, on_tile: OnTile | None
) -> np.ndarray:
    """`[H, W]`, float32 in [0, 1], to the same, not clipped."""
    tiles = [
        (top, left)
        for top in _tile_starts(plane.shape[0])
        for left in _tile_starts(plane.shape[1])
    ]
    restored = np.zeros_like(plane)
    total_weight = np.zeros_like(plane)
    for done, (top, left) in enumerate(tiles, start=1):
        window = np.s_[top : top + TILE, left : left + TILE]
        tile = network(plane[window][None, :, :, None])
        tile = keras.ops.convert_to_numpy(tile)[0, :, :, 0]
        weight = np.multiply.outer(*(_fade(side) for side in tile.shape))
        restored[window] += weight * tile
        total_weight[window] += weight
        if on_tile is not None:
            on_tile(done, len(tiles))
    return restored / total_weight


def _tile_starts(side: int) -> range:
    """Where tiles start along a side; the last one is longer than the overlap."""
    if side <= TILE:
        return range(1)
    stride = TILE - OVERLAP
    return range(0, side - OVERLAP, stride)


def _fade(side: int) -> np.ndarray:
    """Weights `[side]` in (0, 1]: a ramp over the overlap at both ends."""
    from_start = np.arange(1, side + 1, dtype=np.float32)
    ends = np.minimum(from_start, from_start[::-1])
    return np.minimum(ends / np.float32(OVERLAP), np.float32(1))


def _to_uint8(values: np.ndarray) -> np.ndarray:
    return np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
