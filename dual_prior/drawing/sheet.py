"""Pictures with labels, in rows on one sheet."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

# All numbers ours, pixels.
_GAP = 12
_LABEL = 28
_FONT = 16
_BACKGROUND = (255, 255, 255)
_INK = (32, 32, 32)


def sheet_png(
    rows: Sequence[Sequence[tuple[str, Image.Image]]], *, min_width: int
) -> bytes:
    """A PNG file of rows of pictures, each under its label.

    Args:
        rows: (label, picture) of each; rows whose labels are empty have none.
        min_width: Of a column, pixels; columns are as wide as the widest picture.
    """
    width = max(min_width, *(image.width for row in rows for _, image in row))
    labels = [_LABEL if any(label for label, _ in row) else 0 for row in rows]
    heights = [max(image.height for _, image in row) for row in rows]
    size = (
        max(map(len, rows)) * (width + _GAP) + _GAP,
        sum(labels) + sum(heights) + (len(rows) + 1) * _GAP,
    )
    sheet = Image.new("RGB", size, _BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(_FONT)
    top = _GAP
    for row, label_height, height in zip(rows, labels, heights, strict=True):
        for column, (label, image) in enumerate(row):
            left = _GAP + column * (width + _GAP)
            draw.text((left, top), label, _INK, font)
            sheet.paste(image, (left, top + label_height))
        top += label_height + height + _GAP
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
