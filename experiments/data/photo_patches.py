"""Training patches as photographs come: any quality, colour, compressed more than once.

The paper compresses luma once, at three qualities. What people have was compressed in
colour, by many programs, and often again after it was cropped. As in `patches`, a batch
is a pure function of (pictures, recipe, step).
"""

import dataclasses
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from dual_prior.restoration.symmetries import turn
from experiments.data import encoders
from experiments.data.luma_patches import squared_error

_BLOCK = 8

# Pictures are this much larger than a patch: room for two crops and for a grid that
# starts off the patch's corner, up to 7 pixels each.
MARGIN = 3 * (_BLOCK - 1)


@dataclasses.dataclass(frozen=True)
class PhotoRecipe:
    """How photographs are cut out and damaged. All numbers are ours.

    Attributes:
        patch_size: Side of the square patches, pixels.
        batch_size: Patches a batch.
        seed: At least 0; another seed gives other patches.
        qualities: The lowest and the highest JPEG quality.
        low_bias: Qualities are drawn as low + (high - low) u^low_bias, u uniform: above
            1, low ones are more frequent. They need more of the network.
        again: Probability of one more compression, after each.
        shifted: Probability that the picture is cropped before it is compressed again,
            so that the two grids of blocks do not meet.
        off_grid: Probability that the last grid does not start at the patch's corner:
            pictures that were cropped and kept in another format.
        grey: Probability of a grey picture.
        odd_tables: Probability of quantization tables that are not libjpeg's.
        clear: Probability that a patch is not compressed at all.
    """

    patch_size: int = 64
    batch_size: int = 10
    seed: int = 0
    qualities: tuple[int, int] = (5, 95)
    low_bias: float = 2.0
    again: float = 0.4
    shifted: float = 0.7
    off_grid: float = 0.1
    grey: float = 0.35
    odd_tables: float = 0.15
    clear: float = 0.02


# Most photographs have the last.
_SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "4:2:0", "4:2:0")


def draw_photo_batch(
    pictures: Sequence[np.ndarray], recipe: PhotoRecipe, step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The batch of one training step.

    Whole pictures are damaged, not windows of them: `errors` are theirs.

    Args:
        pictures: Clean pictures `[H, W, 3]`, uint8.
        recipe: How they are cut out and damaged.
        step: Which batch.

    Returns:
        Compressed and clean patches `[B, P, P, 3]`, float32 in [0, 1], three equal
        channels for grey ones; and `[B]`, the error of the whole damaged picture that
        each patch comes from, squared grey levels.

    Raises:
        ValueError: A picture is smaller than a patch and its margin.
    """
    rng = np.random.default_rng((recipe.seed, step))
    drawn = [_draw_patch(pictures, recipe, rng) for _ in range(recipe.batch_size)]
    *pair, errors = zip(*drawn, strict=True)
    compressed, clean = (np.stack(p).astype(np.float32) / np.float32(255) for p in pair)
    return compressed, clean, np.array(errors, np.float32)


def _draw_patch(pictures, recipe, rng) -> tuple[np.ndarray, np.ndarray, float]:
    clean = draw_picture(pictures, recipe.patch_size + MARGIN, rng)
    is_grey = rng.random() < recipe.grey
    if is_grey:  # Pillow's "L" is the luma that a grey JPEG stores
        clean = np.asarray(Image.fromarray(clean).convert("L"))
    compressed, clean = _degrade(clean, recipe, rng)
    if is_grey:
        compressed, clean = (
            np.repeat(plane[:, :, None], 3, axis=2) for plane in (compressed, clean)
        )
    error = squared_error(clean, compressed)
    corner = (0, 0)
    if rng.random() < recipe.off_grid:
        corner = rng.integers(0, _BLOCK, 2)
    side = recipe.patch_size
    top, left = (
        start + _BLOCK * rng.integers((length - start - side) // _BLOCK + 1)
        for start, length in zip(corner, clean.shape, strict=False)
    )
    window = np.s_[top : top + side, left : left + side]
    return compressed[window], clean[window], error


def draw_picture(
    pictures: Sequence[np.ndarray], side: int, rng: np.random.Generator
) -> np.ndarray:
    """One of the pictures, turned or not.

    Raises:
        ValueError: It has fewer than `side` pixels a side.
    """
    picture = pictures[int(rng.integers(len(pictures)))]
    height, width = picture.shape[:2]
    if min(height, width) < side:
        raise ValueError(
            f"Expected pictures of at least {side} pixels a side, the size of a patch "
            f"and its margin; one has {height}x{width}."
        )
    return turn(picture, int(rng.integers(8)))


def _degrade(clean, recipe, rng) -> tuple[np.ndarray, np.ndarray]:
    """Compresses once or more; `clean` is cropped along."""
    compressed = clean
    if rng.random() < recipe.clear:
        return compressed, clean
    for crops in range(3):
        if crops and rng.random() < recipe.shifted:
            top, left = rng.integers(0, _BLOCK, 2)
            compressed, clean = compressed[top:, left:], clean[top:, left:]
        data = encoders.encode(compressed, _draw_settings(recipe, rng))
        compressed = np.asarray(Image.open(io.BytesIO(data)))
        if rng.random() >= recipe.again:
            break
    return compressed, clean


def _draw_settings(recipe, rng) -> encoders.Settings:
    low, high = recipe.qualities
    quality = round(low + (high - low) * rng.random() ** recipe.low_bias)
    tables = None
    if rng.random() < recipe.odd_tables:
        tables = encoders.odd_tables(quality, rng)
    subsampling = str(rng.choice(_SUBSAMPLINGS))
    return encoders.Settings(encoders.LIBJPEG, quality, subsampling, tables)
