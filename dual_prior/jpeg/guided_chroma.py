"""Chroma made sharp and clean by luma, where the two go together. Beyond the paper.

Where a picture has two colours, as at the edge of a letter, its chroma is a linear
function of its luma. So it is, nearly, within most small windows of a photograph. Luma
is stored at full resolution and rounded more finely, so it says where chroma changes:

    C = a Y + b        a = cov(y, c) / (var(y) + e),   b = mean(c) - a mean(y)

y and c are the means of luma and chroma over the pixels that share a sample, so that
chroma of half the resolution gets the edges of luma. a and b are those of the guided
filter (He, Sun, Tang, "Guided image filtering", 2013). C replaces chroma as far as the
line fits, and no farther:

    w = (1 - q / (var(c) + n))  var(c) / (var(c) + n)  s / (s + r^2)

q is the part of var(c) that the line does not explain, r the largest error of C at a
sample and its neighbours: three colours that meet in a window lie on no line. Rounds of
this and of clipping to the cells of the file alternate: see `with_guided_chroma`.
"""

import cv2
import numpy as np

from dual_prior.jpeg.coefficients import Coefficients
from dual_prior.jpeg.projection import clip_planes, samples_of
from dual_prior.jpeg.ycc import to_rgb, to_ycc

# All ours, chosen on drawings and photographs that are not in any test set
# (experiments/NOTES.md); variances and squares in grey levels.
_WINDOW = 5  # samples
_EPSILON = 0.1  # e
_NOISE = 1.0  # n
_ERROR = 0.5  # s, of photographs: many have chroma of its own
_ERROR_OF_DRAWINGS = 64.0
_ROUNDS = 3

# Rows above and below that a row of the result depends on, for four rows a sample.
REACH = 64


def with_guided_chroma(
    pixels: np.ndarray, held: Coefficients, top: int = 0
) -> np.ndarray:
    """A picture whose chroma follows its luma, within the cells of its file.

    Args:
        pixels: Red, green, blue `[h, W, 3]`; grey levels of 0 to 255, float32; luma is
            restored.
        held: The coefficients of the file.
        top: The first of its rows, where blocks of all components begin.

    Returns:
        Shaped like `pixels`, float32, in [0, 255]. What black and white have cut off
        may be missing in its cell: see `project_picture`.
    """
    error = _ERROR_OF_DRAWINGS if held.is_drawing else _ERROR
    planes = to_ycc(pixels)
    for _ in range(_ROUNDS):
        planes[..., 1:] = guided(planes[..., 0], planes[..., 1:], held.sampling, error)
        clip_planes(planes, held, top)
    return np.clip(to_rgb(planes), 0, 255)


def guided(
    luma: np.ndarray, chroma: np.ndarray, sampling: tuple[int, int], error: float
) -> np.ndarray:
    """One round, without clipping.

    Args:
        luma: `[H, W]`, grey levels, float32.
        chroma: Cb and Cr at the size of luma, `[H, W, 2]`, float32.
        sampling: Rows and columns of the picture that share a sample of Cb and Cr.
        error: s, the square of the error that halves the belief in the line.

    Returns:
        Shaped like `chroma`.
    """
    y = _samples(luma[..., None], sampling)
    c = _samples(chroma, sampling)
    mean_y, mean_c = _mean(y), _mean(c)
    var_y = np.maximum(_mean(y * y) - mean_y**2, 0)
    var_c = np.maximum(_mean(c * c) - mean_c**2, 0)
    covariance = _mean(y * c) - mean_y * mean_c
    a = covariance / (var_y + _EPSILON)
    a, b = _mean(a), _mean(mean_c - a * mean_y)
    unexplained = np.maximum(var_c - covariance**2 / (var_y + _EPSILON), 0)
    errors = cv2.dilate((c - (a * y + b)) ** 2, np.ones((3, 3), np.uint8))
    weight = (1 - unexplained / (var_c + _NOISE)) * var_c / (var_c + _NOISE)
    weight *= np.float32(error) / (np.float32(error) + errors)
    a, b, weight = (_pixels(plane, luma.shape, sampling) for plane in (a, b, weight))
    return chroma + weight * (a * luma[..., None] + b - chroma)


def _samples(planes: np.ndarray, sampling: tuple[int, int]) -> np.ndarray:
    """The means of the pixels that share a sample; the last ones are repeated."""
    rows, columns = sampling
    height, width = planes.shape[:2]
    missing = ((0, -height % rows), (0, -width % columns), (0, 0))
    return samples_of(np.pad(planes, missing, mode="edge"), sampling)


def _pixels(planes: np.ndarray, shape: tuple, sampling: tuple[int, int]) -> np.ndarray:
    """Samples interpolated to pixels, `[*shape, C]`."""
    if sampling == (1, 1):
        return planes
    height, width = (n * m for n, m in zip(planes.shape[:2], sampling, strict=True))
    large = cv2.resize(planes, (width, height), interpolation=cv2.INTER_LINEAR)
    return large[: shape[0], : shape[1]]


def _mean(planes: np.ndarray) -> np.ndarray:
    """Of the window around each sample, `[h, w, C]`."""
    size = (_WINDOW, _WINDOW)
    mean = cv2.blur(planes, size, borderType=cv2.BORDER_REPLICATE)
    return mean.reshape(planes.shape)  # OpenCV drops a last axis of 1
