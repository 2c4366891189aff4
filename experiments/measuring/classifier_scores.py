"""What tells compressed pictures from clean ones: the classifier, and traces."""

from collections.abc import Iterable

import numpy as np

from dual_prior import jpeg
from dual_prior.jpeg.traces import find_trace
from dual_prior.restoration.restorer import Restorer

_QUALITIES = (10, 20, 30, 50, 70, 80, 90, 95)
_PATCH = 64  # paper: the size of a training patch


def centre(image: np.ndarray, side: int = _PATCH) -> np.ndarray:
    """The middle of a picture, cut on the grid of 8x8 blocks."""
    top, left = (max(0, n - side) // 16 * 8 for n in image.shape[:2])
    return image[top : top + side, left : left + side]


def versions(rgb: np.ndarray, channels: int) -> dict[str, np.ndarray]:
    """A clean picture and its compressed versions, as inputs of a network.

    Args:
        rgb: `[H, W, 3]`, uint8.
        channels: 1 for luma, 3 for colour.
    """
    clear = jpeg.luma(rgb) if channels == 1 else rgb
    compress = jpeg.compress if channels == 1 else jpeg.compress_colour
    return {"clear": clear} | {
        f"quality {quality}": compress(clear, quality) for quality in _QUALITIES
    }


def evidence(restorer: Restorer, pictures: Iterable) -> dict[str, list]:
    """What is found in each version of the pictures.

    Args:
        restorer: The owner of the classifier.
        pictures: Clean pictures `[H, W, 3]`, uint8.

    Returns:
        By version `[N, 3]`: the probabilities of the whole frame and of its middle, and
        whether the frame has a trace (`dual_prior.jpeg.traces`), 0 or 1.
    """
    values: dict[str, list] = {}
    for rgb in pictures:
        for name, image in versions(rgb, restorer.unfolding.channels).items():
            seen = [restorer.probability(part) for part in (image, centre(image))]
            values.setdefault(name, []).append([*seen, find_trace(image) is not None])
    return values


def table(values: dict[str, list], clean_below: float | None) -> str:
    """Markdown of `evidence`."""
    lines = [
        "| picture    | right, frame | 64x64 | mean, frame | 64x64 | trace | skipped |",
        "|------------|--------------|-------|-------------|-------|-------|---------|",
    ]
    for name, of_pictures in values.items():
        of_version = np.array(of_pictures)
        pairs, traced = of_version[:, :2], of_version[:, 2]
        right = ((pairs > 0.5) == (name != "clear")).mean(axis=0)
        mean = pairs.mean(axis=0)
        skipped = ""
        if clean_below is not None:
            is_skipped = (pairs[:, 0] < clean_below) & (traced == 0)
            skipped = f"{is_skipped.mean():.3f}"
        lines.append(
            f"| {name:10} | {right[0]:12.3f} | {right[1]:5.3f} "
            f"| {mean[0]:11.3f} | {mean[1]:5.3f} | {traced.mean():5.3f} "
            f"| {skipped:>7} |"
        )
    return "\n".join(lines) + "\n"
