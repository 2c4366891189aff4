"""The pictures of training, in memory, and the patches drawn from them.

Some pictures are held out, the same for every seed, to choose weights by. They are from
none of the three test sets.
"""

import abc
import dataclasses
import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from dual_prior import jpeg
from experiments.data import encoders, sources
from experiments.data.drawings import HELD_OUT_SEED, drawing
from experiments.data.feed import Batch
from experiments.data.jpeg_patches import MARGIN as JPEG_MARGIN
from experiments.data.jpeg_patches import JpegPatches, JpegRecipe
from experiments.data.luma_patches import (
    CompressedPicture,
    PatchRecipe,
    compress_pictures,
    draw_batch,
)
from experiments.data.patterns import pattern_sheet, woven
from experiments.data.protocol import (
    NUM_VALIDATION_PICTURES,
    QUALITIES,
)
from experiments.data.sources import Picture

_VALIDATION_SIDE = 320  # ours: 481x321 and 321x481 cut to the same size, on the grid

_NUM_VALIDATION_FILES = 128  # ours: patches


@dataclasses.dataclass(frozen=True)
class Split:
    """Pictures to train on, and those held out."""

    kept: Sequence[Picture]
    held_out: Sequence[Picture]


def find(
    train_data: Sequence[str], data_dir: str, held_out: str | None = None
) -> Split:
    """The pictures of some sources.

    Args:
        train_data: The sources; see `experiments.data.sources`.
        data_dir: The folder of the published sets.
        held_out: Hold out every n-th picture of each source, n given in digits, or a
            source of its own. None holds out ten pictures of each.

    Raises:
        ValueError: A source holds no pictures, or none is left to train on.
    """
    if not train_data:
        raise ValueError("--train_data: expected at least one source, got none.")
    parts = [sources.training_pictures(source, data_dir) for source in train_data]
    if held_out is not None and not held_out.isdecimal():
        kept = [picture for part in parts for picture in part]
        return Split(kept, sources.training_pictures(held_out, data_dir))
    if held_out is not None and int(held_out) < 2:
        raise ValueError(
            f"--held_out: expected at least 2, or a source; got {held_out}."
        )
    stride = None if held_out is None else int(held_out)
    splits = [hold_out(part, stride) for part in parts]
    split = Split(*(sum(both, []) for both in zip(*splits, strict=True)))
    if not split.kept:
        raise ValueError(
            f"Expected two pictures or more in {', '.join(train_data)}: one to train "
            "on, and one to hold out; got one."
        )
    return split


def hold_out(pictures: Sequence, stride: int | None = None) -> tuple[list, list]:
    """Splits pictures into those to train on and those held out, every `stride`-th."""
    stride = stride or max(2, len(pictures) // NUM_VALIDATION_PICTURES)
    kept = [p for index, p in enumerate(pictures) if index % stride]
    return kept, list(pictures[::stride])


class TrainingPictures(abc.ABC):
    """Pictures of any kind, as training uses them."""

    # Compressed and clean held-out images, `[B, S, S, C]`, float32 in [0, 1], and
    # `[B]`, the errors of the pictures that they are from, squared grey levels.
    _held_out: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    @abc.abstractmethod
    def _largest_patch(self) -> int:
        """Side in pixels of the largest patch that all pictures have room for."""

    @abc.abstractmethod
    def _drawing(
        self, *, patch_size: int, batch_size: int, alignment: int, seed: int
    ) -> Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """A function from a step to its patches, and the errors of their pictures."""

    def validation(self, loss: str | None = None) -> Batch:
        """Compressed and clean held-out images.

        Args:
            loss: Give each image its `weights` for this loss, too, so that training
                and validation losses are in one unit.
        """
        return _weighted(self._held_out, loss)

    def batches(
        self,
        *,
        patch_size: int,
        batch_size: int,
        alignment: int,
        seed: int,
        loss: str | None = None,
    ) -> Callable[[int], Batch]:
        """A function from a step to its batch.

        Args:
            patch_size, batch_size, alignment, seed: As for `PatchRecipe`.
            loss: Give each patch its `weights` for this loss, too.

        Raises:
            ValueError: A patch is larger than the smallest picture has room for.
        """
        # Checked here: a small picture may be drawn only after hours.
        if patch_size > self._largest_patch:
            raise ValueError(
                f"Expected patches of at most {self._largest_patch} pixels a side, "
                f"which the smallest picture has room for; got {patch_size}."
            )
        draw = self._drawing(
            patch_size=patch_size,
            batch_size=batch_size,
            alignment=alignment,
            seed=seed,
        )
        return lambda step: _weighted(draw(step), loss)


class PaperPictures(TrainingPictures):
    """Luma, compressed at a few qualities: as the paper does with BSD500 train + test.

    Args:
        split: Clean pictures.
        qualities: JPEG qualities.
        num_patterns: Sheets of patterns among the pictures; see `pattern_sheet`.
        num_woven: Number of pictures that are used a second time, under cloth; see
            `woven`.

    Attributes:
        count: How many pictures there are to draw from.

    Raises:
        OSError, ValueError: A picture cannot be read.
    """

    def __init__(
        self,
        split: Split,
        *,
        qualities: Sequence[int] = QUALITIES,
        num_patterns: int = 0,
        num_woven: int = 0,
    ):
        kept, held_out = (
            [picture.luma() for picture in pictures]
            for pictures in (split.kept, split.held_out)
        )
        kept += _under_cloth(kept, num_woven)
        kept += [jpeg.luma(pattern_sheet(seed)) for seed in range(num_patterns)]
        self._pictures = compress_pictures(kept, qualities)
        self._held_out = _top_left(compress_pictures(held_out, qualities))
        self.count = len(kept)

    @property
    def _largest_patch(self):
        return min(min(picture.clean.shape) for picture in self._pictures)

    def _drawing(self, *, patch_size, batch_size, alignment, seed):
        recipe = PatchRecipe(
            patch_size=patch_size,
            batch_size=batch_size,
            alignment=alignment,
            seed=seed,
        )
        return functools.partial(draw_batch, self._pictures, recipe)


class FilePictures(TrainingPictures):
    """Luma of JPEG files by several encoders, of photographs and of drawings.

    Clean pictures are rounded to whole grey levels, as files store them.

    Args:
        split: Clean photographs.
        qualities: The lowest and the highest.
        num_drawings, num_held_out_drawings: How many drawings there are besides, half
            of all patches.

    Raises:
        OSError, ValueError: A picture cannot be read, or there are not two qualities.
    """

    def __init__(
        self,
        split: Split,
        *,
        qualities: Sequence[int],
        num_drawings: int = 480,
        num_held_out_drawings: int = 36,
    ):
        if len(qualities) != 2:
            raise ValueError(
                "--qualities: expected the lowest and the highest one, got "
                f"{', '.join(map(str, qualities))}."
            )
        self._recipe = JpegRecipe(
            qualities=(min(qualities), max(qualities)),
            encoders=encoders.installed(),
            drawings=0.5,  # ours
            clear=0.0,  # no clean patch is labelled compressed
        )
        self._pictures = _and_drawings(split.kept, 0, num_drawings)
        held_out = _and_drawings(split.held_out, HELD_OUT_SEED, num_held_out_drawings)
        recipe = dataclasses.replace(
            self._recipe,
            batch_size=_NUM_VALIDATION_FILES,
            patch_size=min(self._recipe.patch_size, _largest_file_patch(*held_out)),
        )
        self._held_out = _luma_batch(JpegPatches(*held_out, recipe), 0)

    @property
    def _largest_patch(self):
        return _largest_file_patch(*self._pictures)

    def _drawing(self, *, patch_size, batch_size, alignment, seed):
        del alignment  # `JpegRecipe` decides where the grid starts
        recipe = dataclasses.replace(
            self._recipe, patch_size=patch_size, batch_size=batch_size, seed=seed
        )
        return functools.partial(_luma_batch, JpegPatches(*self._pictures, recipe))


# By the name that a recipe gives them.
PICTURES: dict[str, Callable[..., TrainingPictures]] = {
    "paper": PaperPictures,
    "files": FilePictures,
}


def _and_drawings(
    pictures: Sequence[Picture], first_seed: int, count: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    drawings = [drawing(first_seed + n) for n in range(count)]
    return [picture.rgb() for picture in pictures], drawings


def _largest_file_patch(*pictures: Sequence[np.ndarray]) -> int:
    """Side of the largest patch, a multiple of 8."""
    shortest = min(min(picture.shape[:2]) for group in pictures for picture in group)
    return (shortest - JPEG_MARGIN) // 8 * 8


def _luma_batch(
    patches: JpegPatches, step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Luma of a batch, compressed and clean, and the errors that weigh it."""
    compressed, clean, _, counts = patches.batch(step)
    clean = np.round(np.float32(255) * clean[..., :1]) / np.float32(255)
    return compressed[..., :1], clean, 255**2 / counts[:, 0] - 1


def _weighted(drawn: tuple[np.ndarray, ...], loss: str | None) -> Batch:
    compressed, clean, errors = drawn
    if loss is None:
        return compressed, clean
    return compressed, clean, weights(errors, loss)


def weights(errors: np.ndarray, loss: str) -> np.ndarray:
    """Relative weights of the losses of patches.

    1 / (4 + e), e the squared error of the whole compressed picture that the patch is
    from; for an absolute error the root of that. The sum over the patches of a picture
    is then its error relative to the JPEG's, as in its PSNR: 1 dB counts the same at
    every quality, and within a picture large errors count more. With the error of the
    patch itself, texture would weigh too little (experiments/NOTES.md). The 4 (ours)
    limits the weight of pictures whose error is below two grey levels.

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


def _top_left(
    pictures: Sequence[CompressedPicture],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The top left of every picture at every quality.

    Returns:
        Compressed and clean images, each `[B, S, S, 1]`, float32 in [0, 1], where S is
        320 or the shortest side; and `[B]`, the errors of the whole pictures.
    """
    side = min(_VALIDATION_SIDE, *(n for p in pictures for n in p.clean.shape))
    corner = np.s_[:side, :side]
    compressed = [plane[corner] for p in pictures for plane in p.compressed]
    clean = [p.clean[corner] for p in pictures for _ in p.compressed]
    return (
        np.stack(compressed)[..., None].astype(np.float32) / np.float32(255),
        np.stack(clean)[..., None].astype(np.float32) / np.float32(255),
        np.concatenate([p.errors for p in pictures]),
    )
