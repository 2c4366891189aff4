"""Arrays in, arrays out: grey and colour, 8 and 16 bits, any size, bounded memory.

A network of three channels restores colour; one of one channel restores luma and does
not change chroma.
"""

from collections.abc import Callable, Iterable, Iterator

import keras
import numpy as np

from dual_prior.jpeg.coefficients import Coefficients
from dual_prior.jpeg.guided_chroma import REACH, with_guided_chroma
from dual_prior.jpeg.projection import project_picture
from dual_prior.jpeg.table_plane import Tables
from dual_prior.restoration.tiles import GRID, OnTile, map_tiles

# Luma of JFIF files (ITU-R BT.601, full range): what a colour JPEG stores.
LUMA_WEIGHTS = (0.299, 0.587, 0.114)

TILE = 768  # ours: pixels a side; the pictures of the data sets are whole

# Smaller pictures get edge padding to this many pixels a side. Networks were trained on
# patches of 64. Where most of the surroundings of a pixel are the zero padding of
# convolutions, they are wrong by several grey levels.
SMALLEST = 32  # ours

# Rows that are clipped and rounded at a time: whole blocks, of chroma, too.
_STRIP = 256  # ours

_LUMA = np.array(LUMA_WEIGHTS, np.float32)[:, None]

_DEPTHS = {np.dtype(np.uint8): 255, np.dtype(np.uint16): 65535}


def restore_array(
    image: np.ndarray,
    network: Callable,
    channels: int = 1,
    strength: float = 1.0,
    dtype: np.dtype | type | None = None,
    tile: int = TILE,
    on_tile: OnTile | None = None,
    tables: Tables | None = None,
    held: Coefficients | None = None,
) -> np.ndarray:
    """The picture without its JPEG artifacts.

    Args:
        image: `[H, W]` or `[H, W, 3]` (red, green, blue), uint8 or uint16.
        network: Maps `[1, H, W, channels]`, float32 in [0, 1], to the same; if `tables`
            are given, from these as well, as they lie on that part of the picture,
            which then begins with a block of luma.
        channels: 1 or 3.
        strength: How much of the change is made, 0 (none: `image` comes back bit for
            bit) to 1 (all).
        dtype: Of the result, uint8 or uint16; that of `image` if None.
        tile: Side of the tiles in which a larger picture is restored, pixels, a
            multiple of 8.
        on_tile: Called with (tiles done, tiles in all) after each tile.
        tables: The picture's quantization tables.
        held: The coefficients of its JPEG file; those of the result are clipped to the
            cells around them. If `network` restores colour, chroma is guided by luma
            (`dual_prior.jpeg.guided_chroma`). None for neither.

    Returns:
        The restored picture, shaped like `image`, clipped to black and white, rounded.

    Raises:
        ValueError: `image` has another shape or type, or a number is out of range.
    """
    check_picture(image)
    if not 0 <= strength <= 1:
        raise ValueError(f"Expected a strength of 0 to 1, got {strength}.")
    dtype = np.dtype(dtype or image.dtype)
    if dtype not in _DEPTHS:
        raise ValueError(f"Expected a dtype of uint8 or uint16, got {dtype}.")
    is_grey = image.ndim == 2
    planes = image[..., None] if is_grey else image
    is_guided = held is not None and channels == 3 and not is_grey

    def change(part: np.ndarray, top: int, left: int) -> np.ndarray:
        of_part = () if tables is None else (tables.part(top, left),)
        return _change(lambda seen: network(seen, *of_part), channels, part)

    def within_cells(pixels: np.ndarray, top: int) -> np.ndarray:
        if held is None:
            return pixels
        grey_levels = pixels * np.float32(255)
        if is_guided:
            wanted = with_guided_chroma(grey_levels, held, top)
            grey_levels += np.float32(strength) * (wanted - grey_levels)
        return project_picture(grey_levels, held, top) / np.float32(255)

    restored = np.empty(planes.shape, dtype)
    row, column = (0, 0) if tables is None else (n % GRID for n in tables.origin)
    if tables is not None and (row or column):
        # Networks were trained on pictures that begin with a block.
        tables = tables.part(-row, -column)
        whole = np.pad(planes, ((row, 0), (column, 0), (0, 0)), "symmetric")
        bands = _without_first(map_tiles(change, whole, tile, on_tile), row, column)
    else:
        bands = map_tiles(change, planes, tile, on_tile)
    strips = _strips(bands)
    for top, rows, inner in _with_rows_around(strips, REACH if is_guided else 0):
        window = _unit(planes[top : top + len(rows)])
        pixels = np.clip(window + np.float32(strength) * rows, 0, 1)
        pixels = within_cells(pixels, top)[inner]
        first = top + inner.start
        restored[first : first + len(pixels)] = np.round(
            pixels * np.float32(_DEPTHS[dtype])
        )
    return restored[..., 0] if is_grey else restored


def _without_first(
    bands: Iterable[tuple[int, np.ndarray]], rows: int, columns: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Bands of rows (first row, rows) without the first rows and columns of all."""
    for top, band in bands:
        yield max(0, top - rows), band[max(0, rows - top) :, columns:]


def _strips(
    bands: Iterable[tuple[int, np.ndarray]],
) -> Iterator[tuple[int, np.ndarray]]:
    """Cuts bands of rows (first row, rows) anew, into strips of `_STRIP` rows."""
    rest, first = None, 0
    for top, band in bands:
        if rest is None:
            rest, first = band[:0], top
        while len(rest) + len(band) >= _STRIP:
            missing = _STRIP - len(rest)
            yield first, np.concatenate([rest, band[:missing]])
            rest, band, first = rest[:0], band[missing:], first + _STRIP
        rest = np.concatenate([rest, band])
    if rest is not None and len(rest):
        yield first, rest


def _with_rows_around(
    strips: Iterable[tuple[int, np.ndarray]], margin: int
) -> Iterator[tuple[int, np.ndarray, slice]]:
    """Strips (first row, rows) with `margin` rows of their neighbours, where there are
    some: (first row, rows, which of these are the strip).
    """
    waiting, first, above = None, 0, 0
    for top, strip in strips:
        if waiting is not None:
            rows = np.concatenate([waiting, strip[:margin]])
            yield first, rows, slice(above, len(waiting))
            kept = waiting[len(waiting) - margin :]
            strip, above = np.concatenate([kept, strip]), len(kept)
        waiting, first = strip, top - above
    if waiting is not None:
        yield first, waiting, slice(above, len(waiting))


def seen_by(channels: int, planes: np.ndarray) -> np.ndarray:
    """The input of a network with this number of channels.

    Args:
        channels: 1 (luma) or 3 (red, green, blue).
        planes: `[H, W, 1 or 3]`, uint8 or uint16.

    Returns:
        `[H, W, channels]`, float32 in [0, 1].
    """
    pixels = _unit(planes)
    if pixels.shape[-1] == channels:
        return pixels
    return pixels @ _LUMA if channels == 1 else np.repeat(pixels, channels, axis=-1)


def _unit(planes: np.ndarray) -> np.ndarray:
    return planes.astype(np.float32) / np.float32(_DEPTHS[planes.dtype])


def check_picture(image: np.ndarray) -> None:
    """Checks that an array is a picture `[H, W]` or `[H, W, 3]`, uint8 or uint16.

    Raises:
        ValueError: It is not.
    """
    is_picture = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.dtype not in _DEPTHS or not is_picture or image.size == 0:
        raise ValueError(
            "Expected a picture [H, W] or [H, W, 3] of uint8 or uint16, got "
            f"{image.dtype} {list(image.shape)}."
        )


def _change(network: Callable, channels: int, planes: np.ndarray) -> np.ndarray:
    """What the network adds to `planes`, float32, of the same shape."""
    height, width = planes.shape[:2]
    missing = [(0, max(0, SMALLEST - side)) for side in (height, width)]
    seen = np.pad(seen_by(channels, planes), [*missing, (0, 0)], mode="edge")
    change = keras.ops.convert_to_numpy(network(seen[None]))[0] - seen
    change = change[:height, :width]
    if channels == planes.shape[-1]:
        return change
    # With the chroma kept, a change of luma is one of red, green and blue alike.
    return np.repeat(change, 3, axis=-1) if channels == 1 else change @ _LUMA
