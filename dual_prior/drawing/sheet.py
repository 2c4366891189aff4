"""Pictures with labels, in rows on one sheet."""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

# All numbers ours, pixels.
SIDE = 256  # of the part that is drawn


_GAP = 10


_LABEL = 26


_BACKGROUND = (255, 255, 255)


_INK = (32, 32, 32)


def sheet_png(rows: list[list[tuple[str, np.ndarray]]]) -> bytes:
    """A PNG file of rows of grey pictures, each under its label.

    Args:
        rows: (label, `[H, W]` uint8) of each picture, all of one size.
    """
    height, width = rows[0][0][1].shape
    cell_width, cell_height = max(width, SIDE) + _GAP, height + _LABEL + _GAP
    size = (max(map(len, rows)) * cell_width + _GAP, len(rows) * cell_height + _GAP)
    sheet = Image.new("RGB", size, _BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for i, row in enumerate(rows):
        for j, (label, plane) in enumerate(row):
            left, top = _GAP + j * cell_width, _GAP + i * cell_height
            draw.text((left, top), label, _INK, font)
            sheet.paste(Image.fromarray(plane), (left, top + _LABEL))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
