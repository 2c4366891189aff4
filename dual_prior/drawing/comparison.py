"""Before and after, side by side, with the detail that changed most."""

import numpy as np
from PIL import Image, ImageDraw

from dual_prior.drawing.sheet import sheet_png

# All numbers ours, pixels.
_SIDE = 640  # of a picture in the overview, at most
_MIN_WIDTH = 320  # of a column
_DETAIL = 80  # of the part shown enlarged
_CELL = 8  # of the squares in which changes are summed up
_FRAME = (220, 40, 40)


def comparison_png(before: np.ndarray, after: np.ndarray) -> bytes:
    """A PNG file that shows both pictures, and below them the same detail of each.

    Args:
        before, after: `[H, W]` or `[H, W, 3]`, uint8 or uint16, of one size.
    """
    top, left, side = most_changed(before, after)
    scale = min(1.0, _SIDE / max(before.shape[:2]))
    width = max(round(before.shape[1] * scale), _MIN_WIDTH)
    images = [_as_image(pixels) for pixels in (before, after)]
    overviews = [_overview(image, scale, (top, left, side)) for image in images]
    # Enlarged without smoothing: the pixels themselves are to be judged.
    details = [
        image.crop((left, top, left + side, top + side)).resize(
            (width, width), Image.Resampling.NEAREST
        )
        for image in images
    ]
    rows = [
        list(zip(("before", "after"), overviews, strict=True)),
        list(zip(("", ""), details, strict=True)),
    ]
    return sheet_png(rows, min_width=width)


def most_changed(before: np.ndarray, after: np.ndarray) -> tuple[int, int, int]:
    """(top, left, side) of the square in which the two differ most.

    In large pictures the square starts on the grid of blocks.

    Args:
        before, after: `[H, W]` or `[H, W, 3]`, uint8 or uint16 each, of one size.
    """
    height, width = before.shape[:2]
    is_large = min(height, width) >= _CELL and height * width >= _DETAIL**2
    cell = _CELL if is_large else 1
    change = np.stack(
        [
            _sums(before[top : top + cell], after[top : top + cell], cell)
            for top in range(0, height - cell + 1, cell)
        ]
    )
    side = min(_DETAIL // cell, *change.shape)
    # Sums over squares, from a table of sums over rectangles.
    table = np.pad(change.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = table[side:, side:] - table[:-side, side:]
    sums += table[:-side, :-side] - table[side:, :-side]
    top, left = np.unravel_index(np.argmax(sums), sums.shape)
    return int(top) * cell, int(left) * cell, side * cell


def _sums(before: np.ndarray, after: np.ndarray, cell: int) -> np.ndarray:
    """How much a row of squares of `cell` pixels changed, `[W // cell]`."""
    change = np.abs(_unit(before) - _unit(after)).reshape(*before.shape[:2], -1)
    along = change.mean(axis=2).sum(axis=0)
    return along[: len(along) // cell * cell].reshape(-1, cell).sum(axis=1)


def _unit(pixels: np.ndarray) -> np.ndarray:
    return pixels / np.iinfo(pixels.dtype).max


def _as_image(pixels: np.ndarray) -> Image.Image:
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    return Image.fromarray(pixels).convert("RGB")


def _overview(
    image: Image.Image, scale: float, detail: tuple[int, int, int]
) -> Image.Image:
    """The whole picture, with a frame around its detail."""
    top, left, side = detail
    width, height = (max(1, round(length * scale)) for length in image.size)
    overview = image.resize((width, height), Image.Resampling.LANCZOS)
    box = [round(v * scale) for v in (left, top, left + side, top + side)]
    ImageDraw.Draw(overview).rectangle(box, outline=_FRAME, width=2)
    return overview
