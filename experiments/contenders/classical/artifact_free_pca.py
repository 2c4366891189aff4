"""PCA: similar patches shrunk in a basis that was learned from clean ones.

After Song, Xiong, Fan, Liu, Wu, Huang, Gao, "Compressed Image Restoration via
Artifacts-Free PCA Basis Learning and Adaptive Sparse Modeling", TIP 2020:

1. A Gaussian mixture of pairs (clean patch, compressed patch), learned from pictures.
2. A compressed patch is assigned to the component that explains it best, by the part of
   the component that is of compressed patches. Its basis: the principal components of
   the part that is of clean patches, which hold no artifacts.
3. Expectation and variance of each band in that basis, of the similar patches of the
   picture. The patch is shrunk towards the expectation as far as the variance says.

Only the abstract of the paper was available. What it does not say is ours: the size of
patches, of the mixture and of the search; a Gaussian prior of each band; the noise of a
band, the difference of clean and compressed patches of the component; a second round;
the projection onto the pictures that the JPEG may have been made from; the plain mean
of overlapping patches. So this is not the authors' method, but one on its principle.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from dual_prior.jpeg.projection import project

SIDE = 8
COMPONENTS = 50
PATCHES = 60_000  # that the mixture is learned from
_EM_STEPS = 12
_KMEANS_STEPS = 8
_FLOOR = 1.0  # added to variances, grey levels squared: of rounding, and for stability
STEP = 2  # between the patches that are restored
_WINDOW = 10  # how far similar patches are looked for, in each direction
_SIMILAR = 12
_NOISE_LEFT = (1.0, 0.2)  # share of the noise's variance before each round
_LINES_AT_ONCE = 8  # of patches: what is compared at once fits into memory


@dataclasses.dataclass(frozen=True)
class PairedMixture:
    """A mixture of Gaussians of mean zero, of pairs of patches.

    Attributes:
        log_weights: `[K]`.
        clean, compressed, noise: Covariances `[K, d, d]` of clean patches, of
            compressed ones, and of their difference; the mean of the compressed patch
            was subtracted from both.
    """

    log_weights: np.ndarray
    clean: np.ndarray
    compressed: np.ndarray
    noise: np.ndarray

    @classmethod
    def learned(cls, clean: np.ndarray, compressed: np.ndarray, components: int):
        """By expectation maximisation.

        Args:
            clean, compressed: Patches `[N, d]`, grey levels, in pairs.
            components: K.
        """
        means = compressed.mean(axis=1, keepdims=True)
        pairs = np.concatenate([clean - means, compressed - means], axis=1)
        responsibilities = _clusters(pairs[:, clean.shape[1] :], components)
        for _ in range(_EM_STEPS):
            total = responsibilities.sum(axis=0) + 1e-6
            covariances = np.stack(
                [(pairs * r[:, None]).T @ pairs for r in responsibilities.T]
            )
            covariances /= total[:, None, None]
            covariances += _FLOOR * np.eye(pairs.shape[1], dtype=np.float32)
            log_weights = np.log(total / total.sum())
            logs = _log_densities(pairs, covariances) + log_weights
            responsibilities = np.exp(logs - logs.max(axis=1, keepdims=True))
            responsibilities /= responsibilities.sum(axis=1, keepdims=True)
        d = clean.shape[1]
        xx, yy = covariances[:, :d, :d], covariances[:, d:, d:]
        xy = covariances[:, :d, d:]
        noise = xx + yy - xy - xy.swapaxes(1, 2)
        return cls(log_weights.astype(np.float32), xx, yy, noise)

    def assigned(self, patches: np.ndarray) -> np.ndarray:
        """The component of each compressed patch `[N, d]` without its mean, `[N]`."""
        logs = _log_densities(patches, self.compressed) + self.log_weights
        return np.argmax(logs, axis=1)

    def bases(self) -> tuple[np.ndarray, np.ndarray]:
        """Principal components of clean patches as columns, and the noise along them.

        Returns:
            `[K, d, d]`, orthonormal, and variances `[K, d]`.
        """
        _, basis = np.linalg.eigh(self.clean)
        return basis, np.einsum("kdi,kde,kei->ki", basis, self.noise, basis)

    def save(self, file: BinaryIO) -> None:
        """As a .npz file."""
        np.savez(file, **dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path):
        """From one."""
        with np.load(path) as arrays:
            return cls(**arrays)


def _clusters(patches: np.ndarray, components: int) -> np.ndarray:
    """Responsibilities `[N, K]` to begin with: patches of one look, 0 or 1."""
    strength = np.linalg.norm(patches, axis=1, keepdims=True)
    looks = np.concatenate([patches / (strength + 10), np.log1p(strength) / 5], axis=1)
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, _KMEANS_STEPS, 0.0)
    looks = looks.astype(np.float32)
    _, labels, _ = cv2.kmeans(  # type: ignore[call-overload]  # None is right
        looks, components, None, stop, 1, cv2.KMEANS_PP_CENTERS
    )
    return np.eye(components, dtype=np.float32)[labels.ravel()]


def _log_densities(patches: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    """Of Gaussians of mean zero, without the constant: `[N, K]`."""
    result = np.empty((len(patches), len(covariances)), np.float32)
    for k, covariance in enumerate(covariances):
        values, vectors = np.linalg.eigh(covariance.astype(np.float64))
        whitening = (vectors / np.sqrt(values)).astype(np.float32)
        result[:, k] = -0.5 * np.sum((patches @ whitening) ** 2, axis=1)
        result[:, k] -= 0.5 * np.sum(np.log(values))
    return result


def training_pairs(
    pictures: Iterable[tuple[np.ndarray, np.ndarray]], count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Patches of pairs of planes (compressed, clean), at any place: two of `[N, d]`."""
    rng = np.random.default_rng(seed)
    found = []
    for planes in pictures:
        height, width = planes[0].shape
        rows = rng.integers(0, height - SIDE + 1, count)
        columns = rng.integers(0, width - SIDE + 1, count)
        found.append([_patches(p)[rows, columns].reshape(count, -1) for p in planes])
    compressed, clean = (np.concatenate(part) for part in zip(*found, strict=True))
    return clean.astype(np.float32), compressed.astype(np.float32)


def artifact_free_pca(
    compressed: np.ndarray, table: np.ndarray, mixture: PairedMixture
) -> np.ndarray:
    """The restored picture.

    Args:
        compressed: The decoded JPEG `[H, W]`, uint8; blocks start at its top left.
        table: Steps of its quantization `[8, 8]`.
        mixture: Learned from pictures of the same quality.

    Returns:
        `[H, W]`, float32, grey levels of 0 to 255.
    """
    x = compressed.astype(np.float32)
    basis, noise = mixture.bases()
    # At any place that a patch begins, those of the last ones included.
    rows, columns = (
        np.unique(np.append(np.arange(0, side - SIDE, STEP), side - SIDE))
        for side in x.shape
    )
    patches = _patches(x)[np.ix_(rows, columns)].reshape(-1, SIDE * SIDE)
    components = mixture.assigned(patches - patches.mean(axis=1, keepdims=True))
    components = components.reshape(len(rows), len(columns))
    for left in _NOISE_LEFT:
        x = _round(x, rows, columns, components, basis, left * noise)
        x = project(x, compressed, table).astype(np.float32)
    return x


def shrunk(bands: np.ndarray, similar: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Bands drawn to what they are expected to be, by the variance of similar patches.

    m + v / (v + noise) (bands - m), m the mean over the similar patches, and v their
    variance without that of the noise.

    Args:
        bands: Of patches, `[N, d]`.
        similar: Of those similar to each, itself among them, `[N, n, d]`.
        noise: Variance of it in each band, `[N, d]` or `[d]`.
    """
    m = similar.mean(axis=1)
    v = np.maximum(similar.var(axis=1) - noise, 0)
    return m + v / (v + noise) * (bands - m)


def _round(x, rows, columns, components, basis, noise) -> np.ndarray:
    """All patches at `rows` x `columns` shrunk, and their mean where they overlap."""
    patches = _patches(x)
    total, count = np.zeros((2, *x.shape), np.float32)
    for start in range(0, len(rows), _LINES_AT_ONCE):
        some = np.s_[start : start + _LINES_AT_ONCE]
        near_rows, near_columns = _similar(x, rows[some], columns)
        own = components[some].ravel()
        line, column = (
            index.ravel() for index in np.meshgrid(rows[some], columns, indexing="ij")
        )
        restored = np.empty((len(own), SIDE, SIDE), np.float32)
        for k in np.unique(own):
            which = np.flatnonzero(own == k)
            near = patches[near_rows[which], near_columns[which]]
            itself = patches[line[which], column[which]]
            bands = shrunk(
                itself.reshape(len(which), -1) @ basis[k],
                near.reshape(len(which), _SIMILAR, -1) @ basis[k],
                noise[k],
            )
            restored[which] = (bands @ basis[k].T).reshape(-1, SIDE, SIDE)
        for i, j, patch in zip(line, column, restored, strict=True):
            total[i : i + SIDE, j : j + SIDE] += patch
            count[i : i + SIDE, j : j + SIDE] += 1
    return total / count


def _patches(plane: np.ndarray) -> np.ndarray:
    """All of them: `[H - 7, W - 7, 8, 8]`, a view."""
    return np.lib.stride_tricks.sliding_window_view(plane, (SIDE, SIDE))


def _similar(x: np.ndarray, rows, columns) -> tuple[np.ndarray, np.ndarray]:
    """Where the patches lie that are most similar to those at `rows` x `columns`.

    Returns:
        Rows and columns `[N, n]`.
    """
    height, width = (side - SIDE + 1 for side in x.shape)
    top, bottom = rows[0], rows[-1] + SIDE
    reference = x[top:bottom]
    shifts, distances = [], []
    for dy in range(-_WINDOW, _WINDOW + 1):
        for dx in range(-_WINDOW, _WINDOW + 1):
            i = np.clip(np.arange(top, bottom) + dy, 0, len(x) - 1)
            j = np.clip(np.arange(x.shape[1]) + dx, 0, x.shape[1] - 1)
            squares = (x[i][:, j] - reference) ** 2
            sums = cv2.boxFilter(
                squares, -1, (SIDE, SIDE), anchor=(0, 0), normalize=False
            )
            found = sums[np.ix_(rows - top, columns)].copy()
            found[(rows + dy < 0) | (rows + dy >= height)] = np.inf
            found[:, (columns + dx < 0) | (columns + dx >= width)] = np.inf
            shifts.append((dy, dx))
            distances.append(found.ravel())
    order = np.argpartition(np.stack(distances, axis=1), _SIMILAR, axis=1)
    nearest = order[:, :_SIMILAR]
    by = np.array(shifts)[nearest]
    line, column = (a.ravel() for a in np.meshgrid(rows, columns, indexing="ij"))
    return line[:, None] + by[..., 0], column[:, None] + by[..., 1]
