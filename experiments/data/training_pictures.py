"""The pictures of training, in memory, and the patches drawn from them.

Every n-th picture is held out, whatever the seed: what chooses weights is the same in
all runs, and is none of the three test sets.
"""

import abc
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from dual_prior import jpeg
from experiments.data import folders, photo_patches
from experiments.data.luma_patches import (
    CompressedPicture,
    PatchRecipe,
    compress_pictures,
    draw_batch,
)
from experiments.data.patterns import pattern_sheet, woven
from experiments.data.photo_patches import PhotoRecipe, draw_photo_batch
from experiments.data.protocol import NUM_VALIDATION_PICTURES, QUALITIES

_VALIDATION_SIDE = 320  # ours: 481x321 and 321x481 cut to the same size, on the grid

_PHOTO_VALIDATION_SIDE = 192  # ours
_PHOTO_VALIDATION_SIZE = 30  # ours

Batch = tuple[np.ndarray, np.ndarray]


class _Pictures(abc.ABC):
    """What pictures of any kind give to training."""

    @property
    @abc.abstractmethod
    def _largest_patch(self) -> int:
        """Side in pixels of the largest patch that all pictures have room for."""

    @abc.abstractmethod
    def _drawing(
        self, patch_size: int, batch_size: int, alignment: int, seed: int
    ) -> Callable[[int], tuple[np.ndarray, ...]]:
        """What maps a step to its patches, and the errors of their pictures."""

    def batches(
        self,
        patch_size: int,
        batch_size: int,
        alignment: int,
        seed: int,
        loss: str | None = None,
    ) -> Callable[[int], tuple[np.ndarray, ...]]:
        """What maps a step to its batch.

        Args:
            patch_size, batch_size, alignment, seed: As of `PatchRecipe`.
            loss: Give each patch its `weights` for this loss, too.

        Raises:
            ValueError: A patch is larger than the smallest picture has room for.
        """
        # Here, since a small picture may not be drawn for hours.
        if patch_size > self._largest_patch:
            raise ValueError(
                f"Expected patches of at most {self._largest_patch} pixels a side, "
                f"which the smallest picture has room for; got {patch_size}."
            )
        draw = self._drawing(patch_size, batch_size, alignment, seed)

        def batch_of(step: int):
            compressed, clean, errors = draw(step)
            if loss is None:
                return compressed, clean
            return compressed, clean, weights(errors, loss)

        return batch_of


class PaperPictures(_Pictures):
    """Luma of BSD500 train + test, compressed at the paper's three qualities.

    Args:
        data_dir: The folder that holds bsds500.
        num_patterns: Sheets of patterns among the pictures; see `pattern_sheet`.
        num_woven: How many of the pictures are there once more, under cloth; see
            `woven`.

    Attributes:
        validation: Compressed and clean held-out images.

    Raises:
        OSError: Pictures are missing or cannot be read.
    """

    def __init__(self, data_dir: str, num_patterns: int = 0, num_woven: int = 0):
        kept, held_out = (
            [folders.read_luma(path) for path in paths]
            for paths in hold_out(folders.training_paths(data_dir))
        )
        kept += _under_cloth(kept, num_woven)
        kept += [jpeg.luma(pattern_sheet(seed)) for seed in range(num_patterns)]
        self._pictures = compress_pictures(kept, QUALITIES)
        self.validation = _top_left(compress_pictures(held_out, QUALITIES))

    @property
    def _largest_patch(self):
        return min(min(picture.clean.shape) for picture in self._pictures)

    def _drawing(self, patch_size, batch_size, alignment, seed):
        recipe = PatchRecipe(patch_size, batch_size, alignment, seed)
        return functools.partial(draw_batch, self._pictures, recipe)


class PhotoPictures(_Pictures):
    """BSD500 train + test and CID22 in colour, damaged as photographs are.

    Args, Attributes, Raises: As `PaperPictures`; `data_dir` holds cid22, too.
    """

    def __init__(self, data_dir: str, num_patterns: int = 0, num_woven: int = 0):
        parts = [
            hold_out(paths)
            for paths in (
                folders.training_paths(data_dir),
                folders.cid22_paths(data_dir),
            )
        ]
        kept, held_out = (
            [folders.read_rgb(path) for of_part in of_parts for path in of_part]
            for of_parts in zip(*parts, strict=True)
        )
        kept += _under_cloth(kept, num_woven)
        self._pictures = kept + [pattern_sheet(seed) for seed in range(num_patterns)]
        recipe = _validation_recipe(held_out)
        self.validation = draw_photo_batch(held_out, recipe, 0)[:2]

    @property
    def _largest_patch(self):
        return _largest_photo_patch(self._pictures)

    def _drawing(self, patch_size, batch_size, alignment, seed):
        del alignment  # the grid's place is `PhotoRecipe`'s to say
        recipe = PhotoRecipe(patch_size, batch_size, seed)
        return functools.partial(draw_photo_batch, self._pictures, recipe)


# By the name that a recipe gives them.
PICTURES = {"paper": PaperPictures, "photo": PhotoPictures}


def weights(errors: np.ndarray, loss: str) -> np.ndarray:
    """What each patch's loss counts, to be taken relatively.

    1 / (4 + e), e the squared error of the whole compressed picture that the patch is
    from; for an absolute error the root of that. The sum over the patches of a picture
    is then its error relative to the JPEG's, as in its PSNR: 1 dB is 1 dB at every
    quality, and where a picture holds more errors, there is more to win. By the error
    of the patch itself texture would weigh too little: see TRAINING.md. With less than
    two grey levels wrong (the 4, ours) less is to win.

    Args:
        errors: `[B]`, squared grey levels.
        loss: One of `losses.LOSSES`.

    Returns:
        `[B, 1, 1]`, float32.
    """
    power = 0.5 if loss == "mean_absolute_error" else 1.0
    return (255**2 / (4 + errors[:, None, None])).astype(np.float32) ** power


def _under_cloth(pictures: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    stride = max(1, len(pictures) // max(1, count))
    with ThreadPoolExecutor() as pool:  # half a second each
        return list(pool.map(woven, pictures[::stride][:count], range(count)))


def hold_out(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Splits pictures into those to train on and those held out."""
    stride = max(2, len(paths) // NUM_VALIDATION_PICTURES)
    held_out = paths[::stride]
    return [path for path in paths if path not in set(held_out)], held_out


def _validation_recipe(pictures: Sequence[np.ndarray]) -> PhotoRecipe:
    """Patches as they are trained on, but large ones, and no clear ones.

    A clear patch that is left as it is has a PSNR of infinity: a network that does
    nothing at all would score best.
    """
    side = min(_PHOTO_VALIDATION_SIDE, _largest_photo_patch(pictures))
    return PhotoRecipe(side, _PHOTO_VALIDATION_SIZE, clear=0.0)


def _largest_photo_patch(pictures: Sequence[np.ndarray]) -> int:
    shortest = min(min(picture.shape[:2]) for picture in pictures)
    return shortest - photo_patches.MARGIN


def _top_left(pictures: Sequence[CompressedPicture]) -> Batch:
    """The top left of every picture at every quality.

    Returns:
        Compressed and clean images, each `[B, S, S, 1]`, float32 in [0, 1], where S is
        320 or the shortest side.
    """
    side = min(_VALIDATION_SIDE, *(n for p in pictures for n in p.clean.shape))
    corner = np.s_[:side, :side]
    pairs = [
        (compressed[corner], picture.clean[corner])
        for picture in pictures
        for compressed in picture.compressed
    ]
    return tuple(
        np.stack(planes)[..., None].astype(np.float32) / np.float32(255)
        for planes in zip(*pairs, strict=True)
    )
