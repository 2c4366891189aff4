"""Y, Cb and Cr of JFIF files (ITU-R BT.601, full range), without any rounding."""

import numpy as np

# Of red, green and blue; and the way back.
YCC_FROM_RGB = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.168735892, -0.331264108, 0.5],
        [0.5, -0.418687589, -0.081312411],
    ],
    np.float32,
)
RGB_FROM_YCC = np.linalg.inv(YCC_FROM_RGB.astype(np.float64)).astype(np.float32)

_BLACK = np.array([0, 128, 128], np.float32)  # of 255


def to_ycc(rgb: np.ndarray, white: float = 255) -> np.ndarray:
    """Y, Cb, Cr.

    Args:
        rgb: `[..., 3]`, of 0 to `white`.
        white: 255 for grey levels, 1 for unit range.

    Returns:
        Shaped like `rgb`, float32, of 0 to `white`.
    """
    black = _BLACK * np.float32(white / 255)
    return rgb.astype(np.float32) @ YCC_FROM_RGB.T + black


def luma_of(image: np.ndarray) -> np.ndarray:
    """Y of a picture `[H, W]` or `[H, W, 3]`, uint8 or uint16, in grey levels.

    Returns:
        `[H, W]`, float32, 0 to 255, not rounded.
    """
    luma = image.astype(np.float32)
    if image.ndim == 3:
        luma = luma @ YCC_FROM_RGB[0]
    return luma / np.float32(257) if image.dtype == np.uint16 else luma


def to_rgb(planes: np.ndarray, white: float = 255) -> np.ndarray:
    """The inverse of `to_ycc`, not clipped."""
    black = _BLACK * np.float32(white / 255)
    return (planes.astype(np.float32) - black) @ RGB_FROM_YCC.T
