"""How far a restored picture is from its reference: PSNR, both SSIMs, PSNR-B.

All take whole frames `[H, W]` of one channel, uint8 or float; `max_val` is their range.
The protocol clips and rounds pictures to uint8 before they are measured; the caller
does that.
"""

import cv2
import numpy as np

# Window of each convention, one axis of the separable weights.
_GAUSSIAN = cv2.getGaussianKernel(11, 1.5)[:, 0]
_UNIFORM = np.full(8, 1 / 8)
_WINDOWS = {"gaussian": _GAUSSIAN, "uniform": _UNIFORM}


def psnr(reference: np.ndarray, restored: np.ndarray, max_val: float = 255.0) -> float:
    """Peak signal-to-noise ratio in dB; infinite for equal pictures.

    Args:
        reference, restored: `[H, W]`, in [0, max_val].
        max_val: The peak.

    Raises:
        ValueError: The two differ in shape, or are not planes.

    Example:
        >>> reference = np.zeros((8, 8), np.uint8)
        >>> round(metrics.psnr(reference, reference + 1), 2)
        48.13
    """
    return _decibels(_mean_squared_error(reference, restored), max_val)


def psnr_b(
    reference: np.ndarray,
    restored: np.ndarray,
    max_val: float = 255.0,
    block_size: int = 8,
) -> float:
    """PSNR whose error also counts the blocks left in `restored`, in dB.

    Yim and Bovik, "Quality assessment of deblocked images", 2011. The order of the
    arguments matters: only the restored picture's blocks count.

    Args, Raises: As for `psnr` and `blocking_effect_factor`.

    Example:
        >>> reference = np.zeros((16, 16), np.uint8)
        >>> restored = reference.copy()
        >>> restored[:8, :8] = 10  # a block
        >>> round(metrics.psnr(reference, restored), 2)
        34.15
        >>> round(metrics.psnr_b(reference, restored), 2)
        30.17
    """
    error = _mean_squared_error(reference, restored)
    return _decibels(error + blocking_effect_factor(restored, block_size), max_val)


def blocking_effect_factor(image: np.ndarray, block_size: int = 8) -> float:
    """How much more neighbours differ across block borders than within blocks.

    Yim and Bovik, 2011: eta (D_b - D_bc), with the mean squared differences of
    neighbours across a border and within a block, if the former is the larger; else 0.

    Args:
        image: `[H, W]`, on the scale on which squared errors are counted.
        block_size: Side of a block, pixels; the grid starts at the top left.

    Raises:
        ValueError: `image` is not a plane, or a side of it is a single pixel.
    """
    image = np.asarray(image)
    if image.ndim != 2 or min(image.shape) < 2:
        raise ValueError(
            "Expected a plane [H, W] of at least 2 pixels a side, got "
            f"{list(image.shape)}."
        )
    across = within = num_across = num_within = 0.0
    for lines in (image, image.T):
        side = len(lines)
        # Every n-th step at a time: all at once need the memory of several pictures.
        *inner, border = (
            _squared_steps(lines[n::block_size], lines[n + 1 :: block_size])
            for n in range(block_size)
        )
        across += border
        within += sum(inner)
        # The published figures count side / block_size - 1 borders, even where that is
        # not a whole number.
        borders = max(image.size / block_size - image.size / side, 0.0)
        num_across += borders
        num_within += image.size - image.size / side - borders
    if num_across == 0 or num_within == 0:
        return 0.0
    excess = across / num_across - within / num_within
    eta = np.log2(block_size) / np.log2(min(image.shape)) if excess > 0 else 0.0
    return float(eta * excess)


def _squared_steps(earlier: np.ndarray, later: np.ndarray) -> float:
    steps = np.subtract(later, earlier[: len(later)], dtype=np.float64)
    return np.square(steps, out=steps).sum()


def ssim(
    reference: np.ndarray,
    restored: np.ndarray,
    window: str = "gaussian",
    max_val: float = 255.0,
) -> float:
    """Structural similarity, in one of two conventions that must not be compared.

    Wang et al., 2004, with K1 = 0.01, K2 = 0.03, over the region where the window fits.

    Args:
        reference, restored: `[H, W]`, in [0, max_val], at least as large as the window.
        window: `"gaussian"` for the usual 11x11 window with sigma 1.5; `"uniform"` for
            an 8x8 box, as the paper's own rows of its Table 1 have it.
        max_val: The peak.

    Raises:
        ValueError: There is no such window, or the pictures differ in shape, are not
            planes, or are smaller than the window.

    Example:
        >>> reference = np.random.default_rng(0).integers(0, 256, (16, 16))
        >>> metrics.ssim(reference, reference, window="uniform")
        1.0
    """
    if window not in _WINDOWS:
        raise ValueError(
            f"Expected a window among {', '.join(_WINDOWS)}; got {window}."
        )
    weights = _WINDOWS[window]
    _check_planes(reference, restored)
    if min(reference.shape) < len(weights):
        raise ValueError(
            f"Expected pictures of at least {len(weights)} pixels a side, the size of "
            f"the {window} window; got {list(reference.shape)}."
        )
    x, y = np.asarray(reference, np.float64), np.asarray(restored, np.float64)

    def mean(plane):
        full = cv2.sepFilter2D(plane, -1, weights, weights)
        before = len(weights) // 2
        after = len(weights) - 1 - before
        height, width = plane.shape
        return full[before : height - after, before : width - after]

    mean_x, mean_y = mean(x), mean(y)
    variance_x = mean(x * x) - mean_x**2
    variance_y = mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * max_val) ** 2, (0.03 * max_val) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    )
    return float(similarity.mean())


def _mean_squared_error(reference: np.ndarray, restored: np.ndarray) -> float:
    _check_planes(reference, restored)
    difference = np.asarray(reference, np.float64) - np.asarray(restored, np.float64)
    return float(np.mean(np.square(difference)))


def _decibels(error: float, max_val: float) -> float:
    return float(10 * np.log10(max_val**2 / error)) if error else float("inf")


def _check_planes(reference: np.ndarray, restored: np.ndarray) -> None:
    if reference.ndim != 2 or reference.shape != restored.shape:
        raise ValueError(
            "Expected two planes [H, W] of one shape, got "
            f"{list(reference.shape)} and {list(restored.shape)}."
        )
