"""SA-DCT: thresholding in a DCT whose support follows the edges, at every pixel.

Foi, Katkovnik, Egiazarian, "Pointwise Shape-Adaptive DCT for High-Quality Denoising and
Deblocking of Grayscale and Color Images", TIP 2007. Three steps:

1. LPA-ICI: from each pixel, how far the picture is smooth in each of eight directions.
   The tips of these lengths span the pixel's neighbourhood, an octagon.
2. Hard thresholding of the shape-adaptive DCT of each neighbourhood. All estimates of a
   pixel are averaged with weights that favour sparse ones.
3. Wiener filtering in the same transform, by what step 2 found.

Constants are those of the authors' public demonstration (release 1.40).

Departs from the paper: outside the picture, its mirror image is filtered.
"""

import functools

import numpy as np

SCALES: tuple[int, ...] = (1, 2, 3, 5, 7, 9, 12)  # lengths h in pixels
WIENER_SCALES: tuple[int, ...] = (1, 2, 3, 5, 6, 8)
# How much of a kernel is of order zero, by scale; the rest is of order one.
ORDER_ZERO = (0.75, 0.70, 0.85, 0.90, 0.97, 1.0, 1.0)
THRESHOLD = 0.925
# Up to this noise the last scale of each is left out.
_STRONG_NOISE = 40.0
# Columns (dx) and rows (dy) of a step in each direction, by turns of 45 degrees.
DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))
# A pixel that has so many estimates already gets none of its own neighbourhood.
_MAX_OVERLAP = 70
# In which order the pixels of a 4x4 lattice take their turns: far apart first. Ours.
_TURNS = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
_PIXELS_AT_ONCE = 2048


def sa_dct(compressed: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The restored picture.

    Args:
        compressed: The decoded JPEG `[H, W]`, grey levels of 0 to 255.
        table: Steps of its quantization `[8, 8]`, by vertical and horizontal frequency.

    Returns:
        `[H, W]`, float32, grey levels, not clipped.
    """
    return denoised(compressed, noise_level(table))


def denoised(z: np.ndarray, sigma: float) -> np.ndarray:
    """A picture `[H, W]` with noise of standard deviation `sigma` removed."""
    z = z.astype(np.float32)
    some = slice(None) if sigma > _STRONG_NOISE else slice(-1)
    scales, wiener_scales = SCALES[some], WIENER_SCALES[some]
    lengths = adaptive_lengths(z, sigma, scales)
    first = _filtered(z, sigma, lengths, scales)
    lengths = np.minimum(lengths, len(wiener_scales) - 1)
    return _filtered(z, sigma, lengths, wiener_scales, estimate=first)


def noise_level(table: np.ndarray) -> float:
    """The deviation of white noise as strong as the JPEG's artifacts, grey levels.

    sigma^2 = 0.69 m^1.3, m the mean of the nine steps of the lowest frequencies.
    """
    return float(np.sqrt(0.69 * np.mean(table[:3, :3]) ** 1.3))


# Step 1: LPA-ICI


def lpa_kernel(length: int, order_zero: float) -> np.ndarray:
    """Weights of `length` samples ahead that estimate the first one, which is 0 ahead.

    A local polynomial approximation: a mixture of the mean (order zero) and the
    value at 0 of the line fitted to the samples (order one).
    """
    mean = np.full(length, 1 / length)
    line = np.zeros(length)
    line[0] = 1
    if length > 1:
        design = np.stack([np.ones(length), np.arange(length)], axis=1)
        line = np.linalg.pinv(design)[0]
    return order_zero * mean + (1 - order_zero) * line


def confidence(sigma: float) -> float:
    """Gamma of the ICI rule: half the width of an interval, in deviations."""
    return max(0.8, 2.4 / np.log(1 + 60 * sigma / 255))


def adaptive_lengths(
    z: np.ndarray, sigma: float, scales: tuple[int, ...]
) -> np.ndarray:
    """h+ of each pixel in each direction, by the intersection of confidence intervals.

    The largest scale whose interval, estimate +- Gamma deviations, still intersects
    those of all smaller scales.

    Args:
        z: `[H, W]`.
        sigma: Deviation of its noise.
        scales: Lengths to choose from, increasing.

    Returns:
        Indices into `scales`, `[H, W, 8]`, in the order of `DIRECTIONS`.
    """
    height, width = z.shape
    reach = scales[-1] - 1
    padded = np.pad(z, reach, "symmetric")
    chosen = np.zeros((height, width, len(DIRECTIONS)), np.uint8)
    for direction, (dx, dy) in enumerate(DIRECTIONS):
        ahead = [
            padded[reach + i * dy :, reach + i * dx :][:height, :width]
            for i in range(reach + 1)
        ]
        lower = np.full_like(z, -np.inf)
        upper = np.full_like(z, np.inf)
        alive = np.ones(z.shape, bool)
        for index, length in enumerate(scales):
            kernel = lpa_kernel(length, ORDER_ZERO[index]).astype(np.float32)
            estimate = sum(g * plane for g, plane in zip(kernel, ahead, strict=False))
            half = confidence(sigma) * sigma * np.linalg.norm(kernel)
            lower = np.maximum(lower, estimate - half)
            upper = np.minimum(upper, estimate + half)
            alive &= lower <= upper
            chosen[alive, direction] = index
    return chosen


@functools.cache
def _triangles(scales: tuple[int, ...]) -> np.ndarray:
    """Between each direction and the next, the triangle of two lengths, as a mask.

    Returns:
        `[8, n, n, s, s]`, bool: direction, scale along it, scale along the next one.
    """
    reach, count = scales[-1] - 1, len(scales)
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    masks = np.zeros((8, count, count, *dx.shape), bool)
    for direction, first in enumerate(DIRECTIONS):
        second = DIRECTIONS[(direction + 1) % 8]
        # Coordinates along both: (dx, dy) = along first + beside second.
        determinant = first[0] * second[1] - first[1] * second[0]
        along = (dx * second[1] - dy * second[0]) * determinant
        beside = (dy * first[0] - dx * first[1]) * determinant
        for i, j in np.ndindex(count, count):
            a, b = scales[i] - 1, scales[j] - 1
            within = (along >= 0) & (beside >= 0) & (along <= a) & (beside <= b)
            masks[direction, i, j] = within & (along * b + beside * a <= a * b)
    return masks


def neighbourhoods(lengths: np.ndarray, scales: tuple[int, ...]) -> np.ndarray:
    """The octagons of pixels, as masks.

    Args:
        lengths: Indices into `scales`, `[N, 8]`.

    Returns:
        `[N, s, s]`, bool, s = 2 max(scales) - 1, the pixel in the middle.
    """
    triangles = _triangles(scales)
    following = np.roll(lengths, -1, axis=1)
    mask = np.zeros((len(lengths), *triangles.shape[-2:]), bool)
    for direction in range(8):
        mask |= triangles[direction, lengths[:, direction], following[:, direction]]
    return mask


# The shape-adaptive DCT


@functools.cache
def _dct_matrix(length: int) -> np.ndarray:
    """The orthonormal DCT-II: coefficients = matrix @ samples."""
    frequency, sample = np.mgrid[:length, :length]
    matrix = np.cos(np.pi * (2 * sample + 1) * frequency / (2 * length))
    matrix[0] /= np.sqrt(2)
    return (matrix * np.sqrt(2 / length)).astype(np.float32)


def _packed(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the samples of each row go that are moved together to its left.

    Args:
        mask: Which there are, `[R, s]`.

    Returns:
        Flat indices of the samples, where each goes, and how many a row has, `[R]`.
    """
    source = np.flatnonzero(mask)
    rank = np.cumsum(mask, axis=1, dtype=np.int32) - 1
    rows = source - source % mask.shape[1]
    return source, rows + rank.ravel()[source], rank[:, -1] + 1


def _each_row(rows: np.ndarray, counts: np.ndarray, inverse: bool) -> np.ndarray:
    """The DCT of the first `counts` samples of each row `[R, s]`; zero after them."""
    result = np.zeros_like(rows)
    order = np.argsort(counts, kind="stable")
    bounds = np.searchsorted(counts[order], np.arange(rows.shape[1] + 2))
    for count in range(1, rows.shape[1] + 1):
        some = order[bounds[count] : bounds[count + 1]]
        matrix = _dct_matrix(count)
        result[some, :count] = rows[some, :count] @ (matrix if inverse else matrix.T)
    return result


class ShapeAdaptiveDCT:
    """The DCT on supports of any shape: of the columns, then of the rows.

    The samples of each column are moved together to its top and transformed by a DCT of
    their number; then the coefficients of each row, likewise. Orthonormal: N samples
    have N coefficients.

    Args:
        mask: The supports, `[N, s, s]`, bool.
    """

    def __init__(self, mask: np.ndarray):
        self.shape, side = mask.shape, mask.shape[-1]
        columns = mask.swapaxes(1, 2).reshape(-1, side)
        self._columns = _packed(columns)
        present = np.arange(side) < self._columns[2][:, None]
        rows = present.reshape(self.shape).swapaxes(1, 2).reshape(-1, side)
        self._rows = _packed(rows)

    def forward(self, patches: np.ndarray) -> np.ndarray:
        """Coefficients `[N, s, s]`, zero where there are none."""
        columns = self._transformed(patches, self._columns)
        return self._transformed(columns, self._rows)

    def backward(self, coefficients: np.ndarray) -> np.ndarray:
        """Samples `[N, s, s]`, zero outside the supports."""
        columns = self._transformed_back(coefficients, self._rows)
        return self._transformed_back(columns, self._columns)

    def _transformed(self, x: np.ndarray, packed) -> np.ndarray:
        """Along the first axis of each patch; the result has its axes swapped."""
        source, target, counts = packed
        lines = np.zeros((len(counts), self.shape[-1]), np.float32)
        lines.ravel()[target] = x.swapaxes(1, 2).ravel()[source]
        return _each_row(lines, counts, inverse=False).reshape(self.shape)

    def _transformed_back(self, x: np.ndarray, packed) -> np.ndarray:
        source, target, counts = packed
        lines = _each_row(x.reshape(-1, self.shape[-1]), counts, inverse=True)
        result = np.zeros_like(lines)
        result.ravel()[source] = lines.ravel()[target]
        return result.reshape(self.shape).swapaxes(1, 2)


# Steps 2 and 3


def threshold(coefficients, sigma: float, sizes):
    """Coefficients without those that noise alone may have, and weights of estimates.

    Args:
        coefficients: `[N, s, s]`, of patches without their means.
        sigma: Deviation of the noise.
        sizes: |U|, the pixels of each neighbourhood, `[N, 1, 1]`.

    Returns:
        Coefficients, and 1 / (sigma^2 (1 + how many are left) |U|), `[N, 1, 1]`.
    """
    smallest = THRESHOLD * sigma * np.sqrt(2 * np.log(sizes) + 1)
    kept = np.abs(coefficients) > smallest
    count = np.count_nonzero(kept, axis=(1, 2), keepdims=True)
    return coefficients * kept, 1 / (sigma**2 * (1 + count) * sizes)


def wiener(coefficients, of_estimate, means, sigma: float, sizes):
    """Coefficients shrunk as far as an estimate of the picture says.

    omega = e^2 / (e^2 + sigma^2), e a coefficient of the estimate; so for the mean,
    whose noise is sigma / sqrt(|U|).

    Args:
        coefficients, of_estimate: `[N, s, s]`, of noisy and of estimated patches.
        means: Of the estimated patches, `[N, 1, 1]`.
        sigma, sizes: As for `threshold`.

    Returns:
        Coefficients, the factor of the mean, and 1 / (sigma^2 |omega|^2 |U|), which is
        the weight of the estimate.
    """
    omega = of_estimate**2 / (of_estimate**2 + sigma**2)
    of_mean = means**2 / (means**2 + sigma**2 / sizes)
    energy = of_mean**2 + np.sum(omega**2, axis=(1, 2), keepdims=True)
    energy = np.maximum(energy, 1e-6)  # where the estimate is black
    return coefficients * omega, of_mean, 1 / (sigma**2 * energy * sizes)


def _filtered(z, sigma, lengths, scales, estimate=None) -> np.ndarray:
    """Thresholding, or Wiener filtering by `estimate`, around the pixels, averaged."""
    reach, side = scales[-1] - 1, 2 * scales[-1] - 1
    height, width = z.shape
    padded = np.pad(z, reach, "symmetric")
    guide = None if estimate is None else np.pad(estimate, reach, "symmetric").ravel()
    shape, padded = padded.shape, padded.ravel()
    window = (np.arange(side)[:, None] * shape[1] + np.arange(side)).astype(np.int32)
    weighted, weights, overlap = np.zeros((3, padded.size))
    turns = np.tile(_TURNS, (-(-height // 4), -(-width // 4)))[:height, :width]
    within = np.s_[reach:-reach, reach:-reach]
    for turn in range(_TURNS.size):
        few = overlap.reshape(shape)[within] < _MAX_OVERLAP
        rows, columns = np.nonzero((turns == turn) & few)
        top_left = (rows * shape[1] + columns).astype(np.int32)
        for start in range(0, len(rows), _PIXELS_AT_ONCE):
            some = slice(start, start + _PIXELS_AT_ONCE)
            mask = neighbourhoods(lengths[rows[some], columns[some]], scales)
            sizes = np.sum(mask, axis=(1, 2), dtype=np.float32, keepdims=True)
            pixels = top_left[some, None, None] + window
            dct = ShapeAdaptiveDCT(mask)
            means, coefficients = _analysed(padded[pixels], mask, sizes, dct)
            if guide is None:
                coefficients, weight = threshold(coefficients, sigma, sizes)
            else:
                guide_means, of_guide = _analysed(guide[pixels], mask, sizes, dct)
                coefficients, of_mean, weight = wiener(
                    coefficients, of_guide, guide_means, sigma, sizes
                )
                means = means * of_mean
            local = dct.backward(coefficients) + means
            inside, spread = pixels[mask], np.broadcast_to(weight, mask.shape)[mask]
            weighted += np.bincount(inside, spread * local[mask], padded.size)
            weights += np.bincount(inside, spread, padded.size)
            overlap += np.bincount(inside, minlength=padded.size)
    mean = weighted.reshape(shape)[within] / weights.reshape(shape)[within]
    return mean.astype(np.float32)


def _analysed(patches, mask, sizes, dct) -> tuple[np.ndarray, np.ndarray]:
    """Means `[N, 1, 1]` over the supports, and coefficients of the rest."""
    means = np.sum(patches * mask, axis=(1, 2), keepdims=True) / sizes
    return means, dct.forward((patches - means) * mask)
