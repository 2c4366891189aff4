"""LD: the picture in two layers; of the weaker one, only what is texture is kept.

Li, Guo, Tan, Brown, "A Contrast Enhancement Framework with JPEG Artifacts Suppression",
ECCV 2014, without the enhancement of contrast (K = 1 in its Eq. 6):

1. Structure and texture: total variation. The artifacts are in the texture.
2. A map of the blocks that hold texture, refined to follow the edges of the structure.
3. Blocking in the texture: its gradients across the borders of blocks are removed.
4. Structure, plus what is left of the texture where the map says that there is some.

The weights of steps 1 and 3 and the thresholds are those of the authors' public
demonstrations; they were set for quality 40 and above.

Departs from the paper: step 2 refines by a guided filter (He, Sun, Tang 2010), an
approximation of the matting that the paper solves for.
"""

import cv2
import numpy as np

TOTAL_VARIATION = 0.05  # lambda of step 1, for pictures in [0, 1]
DEBLOCKING = 5.0  # beta of step 3
TEXTURE = 0.1  # sum of magnitudes above which a block is texture
# Of step 2: ours, as is the filter.
_RADIUS, _EPSILON = 8, 1e-4
# What makes the refined map nearly binary: 1 / (1 + exp(-slope (map - middle))).
_SLOPE, _MIDDLE = 12.75, 0.5
_LAST_BETA = 1e5

_BLOCK = 8


def layer_decomposition(compressed: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The restored picture.

    Args:
        compressed: The decoded JPEG `[H, W]`, grey levels of 0 to 255; blocks start at
            its top left.
        table: Not used: the method is blind.

    Returns:
        `[H, W]`, float64, grey levels, not clipped.
    """
    del table
    height, width = compressed.shape
    whole = ((0, -height % _BLOCK), (0, -width % _BLOCK))
    y = np.pad(compressed / 255, whole, "symmetric")
    structure, texture = decompose(y)
    shown = refined(texture_map(texture), structure)
    return 255 * (structure + shown * deblocked(texture))[:height, :width]


def decompose(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Structure s and texture y - s: min over s of |s - y|^2 / 2 + lambda |grad s|_1.

    By half-quadratic splitting: g, beside grad s, is shrunk by lambda / beta, and beta
    grows.
    """
    s, beta = y, 2 * TOTAL_VARIATION
    while beta < _LAST_BETA:
        g = [_shrunk(d, TOTAL_VARIATION / beta) for d in _gradient(s)]
        s = _with_gradient(y, g, beta)
        beta *= 2
    return s, y - s


def texture_map(texture: np.ndarray) -> np.ndarray:
    """1 in blocks that hold texture, 0 in others, `[H, W]`.

    The three lowest frequencies do not count.
    """
    result = np.zeros(texture.shape, np.float32)
    for row in range(0, texture.shape[0], _BLOCK):
        for column in range(0, texture.shape[1], _BLOCK):
            block = np.s_[row : row + _BLOCK, column : column + _BLOCK]
            magnitudes = np.abs(cv2.dct(texture[block]))
            low = magnitudes[0, 0] + magnitudes[0, 1] + magnitudes[1, 0]
            result[block] = magnitudes.sum() - low > TEXTURE
    return result


def refined(blocks: np.ndarray, structure: np.ndarray) -> np.ndarray:
    """A map of blocks that follows the edges of the structure, nearly binary."""

    def mean(plane):
        size = 2 * _RADIUS + 1
        return cv2.blur(plane, (size, size), borderType=cv2.BORDER_REFLECT)

    p, guide = blocks.astype(np.float64), structure
    covariance = mean(guide * p) - mean(guide) * mean(p)
    variance = mean(guide * guide) - mean(guide) ** 2
    a = covariance / (variance + _EPSILON)
    b = mean(p) - a * mean(guide)
    matte = mean(a) * guide + mean(b)
    return 1 / (1 + np.exp(-_SLOPE * (matte - _MIDDLE)))


def deblocked(texture: np.ndarray) -> np.ndarray:
    """Texture t with smooth borders: min of |t - texture|^2 + beta |grad t - g|^2.

    g is the texture's gradient, but zero between one block and the next.
    """
    across, down = _gradient(texture)
    across[:, _BLOCK - 1 :: _BLOCK] = 0
    down[_BLOCK - 1 :: _BLOCK] = 0
    return _with_gradient(texture, (across, down), DEBLOCKING)


def _gradient(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Forward differences, horizontal first, periodic."""
    return np.roll(x, -1, axis=1) - x, np.roll(x, -1, axis=0) - x


def _shrunk(x: np.ndarray, by: float) -> np.ndarray:
    return np.sign(x) * np.maximum(np.abs(x) - by, 0)


def _with_gradient(y: np.ndarray, g, beta: float) -> np.ndarray:
    """min over x of |x - y|^2 + beta |grad x - g|^2: diagonal in the DFT basis."""
    across, down = g
    adjoint = np.roll(across, 1, axis=1) - across + np.roll(down, 1, axis=0) - down
    height, width = y.shape
    eigenvalues = (
        4
        - 2 * np.cos(2 * np.pi * np.fft.fftfreq(height))[:, None]
        - 2 * np.cos(2 * np.pi * np.fft.rfftfreq(width))
    )
    spectrum = np.fft.rfft2(y + beta * adjoint) / (1 + beta * eigenvalues)
    return np.fft.irfft2(spectrum, y.shape)
