"""Colours for formats that do not keep a profile."""

import io

import numpy as np
from PIL import Image, ImageCms

_SAME = 2  # ours, levels of 255: by which profiles of sRGB differ


def in_srgb(pixels: np.ndarray, profile: bytes) -> np.ndarray:
    """Converts colours from a profile to sRGB.

    Args:
        pixels: `[H, W]` or `[H, W, 3]`, uint8.
        profile: Their ICC profile, of one channel or of three.

    Returns:
        `[H, W, 3]`; `pixels` itself if the profile is visibly equal to sRGB.
    """
    is_grey = pixels.ndim == 2
    transform = ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        "L" if is_grey else "RGB",
        "RGB",
    )

    def seen(array: np.ndarray) -> np.ndarray:
        image = ImageCms.applyTransform(Image.fromarray(array), transform)
        return np.array(image)

    levels = np.arange(0, 256, 51, dtype=np.uint8)
    if is_grey:
        colours = levels[None]
        same = np.stack([colours] * 3, axis=-1)
    else:
        same = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(6, -1, 3)
        colours = same
    if np.abs(seen(colours).astype(int) - same).max() <= _SAME:
        return pixels
    return seen(pixels)
