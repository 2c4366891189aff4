"""Training patches in NumPy, bit for bit the same for every backend.

A batch is a pure function of (pictures, recipe, step). Training that stops after step n
resumes with step n + 1 without any state of the feed: see `feed`.
"""

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dual_prior import jpeg
from dual_prior.restoration.symmetries import turn


@dataclasses.dataclass(frozen=True)
class CompressedPicture:
    """One clean luma and its compressed versions.

    Attributes:
        clean: `[H, W]`, uint8.
        compressed: `[Q, H, W]`, uint8, one for each quality.
        errors: `[Q]`, mean squared error of each, squared grey levels.
    """

    clean: np.ndarray
    compressed: np.ndarray
    errors: np.ndarray


def compress_picture(luma: np.ndarray, qualities: Sequence[int]) -> CompressedPicture:
    """`luma`, `[H, W]` uint8, with its compressed versions."""
    compressed = np.stack([jpeg.compress(luma, quality) for quality in qualities])
    errors = [squared_error(luma, plane) for plane in compressed]
    return CompressedPicture(luma, compressed, np.array(errors))


def squared_error(clean: np.ndarray, compressed: np.ndarray) -> float:
    """The mean over all of two uint8 arrays, squared grey levels."""
    return float(np.mean(np.square(np.subtract(clean, compressed, dtype=np.float32))))


def compress_pictures(
    lumas: Sequence[np.ndarray], qualities: Sequence[int]
) -> list[CompressedPicture]:
    """`compress_picture` of each, on all cores: OpenCV releases the interpreter."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda luma: compress_picture(luma, qualities), lumas))


@dataclasses.dataclass(frozen=True)
class PatchRecipe:
    """How patches are drawn.

    Attributes:
        patch_size: Side of the square patches, pixels.
        batch_size: Patches a batch.
        alignment: Patches start at multiples of this many pixels. With 8 the grid of
            JPEG blocks is where it is in whole pictures; with 1 patches start anywhere,
            as in the paper.
        seed: At least 0; another seed gives other patches.
    """

    patch_size: int = 64  # paper
    batch_size: int = 10  # paper
    alignment: int = 1  # paper
    seed: int = 0


def draw_batch(
    pictures: Sequence[CompressedPicture], recipe: PatchRecipe, step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The batch of one training step.

    Each patch comes from a random picture, quality, place, and one of the eight flips
    and rotations.

    Returns:
        Compressed and clean patches, each `[B, P, P, 1]`, float32 in [0, 1], and `[B]`,
        the error of the whole compressed picture that each patch comes from, squared
        grey levels.

    Raises:
        ValueError: A picture is smaller than a patch.
    """
    rng = np.random.default_rng((recipe.seed, step))
    size = recipe.patch_size
    compressed = np.empty((recipe.batch_size, size, size, 1), np.float32)
    clean = np.empty_like(compressed)
    errors = np.empty(recipe.batch_size, np.float32)
    for item in range(recipe.batch_size):
        picture = pictures[int(rng.integers(len(pictures)))]
        quality = rng.integers(len(picture.compressed))
        top, left = (_draw_start(rng, side, recipe) for side in picture.clean.shape)
        symmetry = int(rng.integers(8))
        window = np.s_[top : top + size, left : left + size]
        compressed[item, :, :, 0] = turn(picture.compressed[quality][window], symmetry)
        clean[item, :, :, 0] = turn(picture.clean[window], symmetry)
        errors[item] = picture.errors[quality]
    return compressed / np.float32(255), clean / np.float32(255), errors


def _draw_start(rng: np.random.Generator, side: int, recipe: PatchRecipe) -> int:
    if side < recipe.patch_size:
        raise ValueError(
            f"Expected pictures of at least {recipe.patch_size} pixels a side, the "
            f"size of a patch; one has a side of {side}."
        )
    starts = (side - recipe.patch_size) // recipe.alignment + 1
    return int(rng.integers(starts)) * recipe.alignment
