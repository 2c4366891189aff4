"""Writes compared.webp, the picture of the README: files above, results below.

    python samples/compare.py

From left to right: a photograph of quality 10; a drawing of quality 40; a photograph
of quality 20 that was cropped and saved again at 60; grass at quality 10, whose texture
does not come back.
"""

import tempfile
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

import dual_prior
from experiments.data.drawings import HELD_OUT_SEED, drawing

SIDE = 256


def saved(picture: Image.Image, path: Path, quality: int) -> Image.Image:
    """The picture after it was saved as JPEG."""
    picture.save(path, quality=quality)
    return Image.open(path).convert("RGB")


def middle(pixels: np.ndarray, top: int, left: int) -> Image.Image:
    """A part of a picture, in colour."""
    part = pixels[top : top + SIDE, left : left + SIDE]
    return Image.fromarray(np.ascontiguousarray(part)).convert("RGB")


def main():
    """Compresses, restores, and puts all of it side by side."""
    sheet = Image.new("RGB", (4 * SIDE, 2 * SIDE))
    with tempfile.TemporaryDirectory() as folder:
        once = Path(folder, "once.jpg")
        coffee = saved(middle(skimage.data.coffee(), 60, 260), once, 20)
        cases = (
            (middle(skimage.data.astronaut(), 0, 96), 10),
            (Image.fromarray(drawing(HELD_OUT_SEED + 9, side=SIDE)), 40),
            (coffee.crop((1, 1, SIDE, SIDE)), 60),
            (middle(skimage.data.grass(), 0, 0), 10),
        )
        for column, (picture, quality) in enumerate(cases):
            source, target = Path(folder, "a.jpg"), Path(folder, f"{column}.png")
            sheet.paste(saved(picture, source, quality), (column * SIDE, 0))
            dual_prior.restore_file(source, target)
            sheet.paste(Image.open(target), (column * SIDE, SIDE))
    sheet.save(Path(__file__).parent / "compared.webp", quality=92)


if __name__ == "__main__":
    main()
