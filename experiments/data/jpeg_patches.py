"""Training patches of JPEG files: Y, Cb, Cr as stored, and their tables.

    clean picture -> a piece of it, turned -> JPEG, once or twice -> planes and tables
                                                                  -> patches of these

Pieces are turned before they are compressed, so that a network always sees a file as a
decoder returns it. Compressing takes longest, so each piece gives several patches,
spread over the steps of a group. A batch is still a pure function of (pictures, recipe,
step).

All numbers are ours.
"""

import dataclasses
import functools
import threading
from collections.abc import Sequence

import cv2
import numpy as np

from dual_prior.jpeg.table_plane import UNKNOWN, Tables, of_luma
from dual_prior.jpeg.traces import are_coarser
from dual_prior.jpeg.ycc import to_rgb, to_ycc
from dual_prior.restoration.symmetries import turn
from experiments.data import encoders

_BLOCK = 8

MARGIN = _BLOCK  # of a picture over a patch: room for a crop of 0 to 7 pixels

_SMALLEST_SCALE = 0.5  # of a picture that is scaled between two compressions


@dataclasses.dataclass(frozen=True)
class JpegRecipe:
    """How pictures are cut out and compressed.

    Attributes:
        patch_size: Side of the square patches, pixels, even.
        batch_size: Patches a batch.
        seed: At least 0; another seed gives other patches.
        qualities, low_bias, encoders: As for `encoders.draw_settings`.
        piece_size: Side of the pieces that are compressed, pixels, at most.
        patches_per_piece, steps_per_group: A group of steps takes all the patches of
            its pieces.
        drawings: Share of the pieces that are drawings, if there are any.
        again: Probability of one compression before the last.
        scaled: Probability that the picture is scaled down between the two; otherwise
            it is cropped by 0 to 7 pixels, with probability `shifted`.
        shifted: See `scaled`.
        cropped: Probability that the result is cropped anywhere and stored without
            loss: no table is known, and blocks begin anywhere.
        hidden: Probability that the tables of a compressed piece are not given.
        grey: Probability of a grey file: luma, half of them in MATLAB's range, 16 to
            235.
        clear: Probability that a piece is not compressed at all.
    """

    patch_size: int = 96
    batch_size: int = 8
    seed: int = 0
    qualities: tuple[int, int] = (5, 100)
    low_bias: float = 1.4
    encoders: tuple[str, ...] = (encoders.LIBJPEG,)
    piece_size: int = 304
    patches_per_piece: int = 4
    steps_per_group: int = 16
    drawings: float = 0.3
    again: float = 0.4
    scaled: float = 0.2
    shifted: float = 0.8
    cropped: float = 0.07
    hidden: float = 0.3
    grey: float = 0.15
    clear: float = 0.02


@dataclasses.dataclass(frozen=True)
class Piece:
    """A compressed part of a picture, and the clean part.

    Attributes:
        compressed, clean: Y, Cb, Cr `[H, W, 3]`, grey levels, uint8 and float32.
        tables: Of the last compression, or of a coarser one before, where its blocks
            began elsewhere.
    """

    compressed: np.ndarray
    clean: np.ndarray
    tables: Tables = UNKNOWN

    def part(self, top: int, left: int, side: int) -> "Piece":
        """A square of it, `[side, side, 3]`."""
        window = np.s_[top : top + side, left : left + side]
        tables = self.tables.part(top, left)
        return Piece(self.compressed[window], self.clean[window], tables)

    def of_first(self, table: np.ndarray, origin: tuple[int, int]) -> "Piece":
        """As the trace of an earlier compression makes `Restorer` see it.

        Args:
            table: Of luma in the earlier compression, `[8, 8]`.
            origin: Row and column of a block of it at which the piece begins.

        Returns:
            The piece from the first whole block of that compression on, without the
            tables of chroma.
        """
        top, left = (-start % _BLOCK for start in origin)
        return Piece(
            self.compressed[top:, left:], self.clean[top:, left:], of_luma(table)
        )

    def table_planes(self) -> np.ndarray:
        """See `Tables.planes`."""
        return self.tables.planes(*self.clean.shape[:2])

    def errors(self) -> np.ndarray:
        """Mean squared errors of Y, and of Cb and Cr together, `[2]`, grey levels."""
        squares = np.square(self.compressed - self.clean).mean(axis=(0, 1))
        return np.array([squares[0], squares[1:].mean()], np.float32)


class JpegPatches:
    """Batches drawn from pictures by a recipe.

    Args:
        photographs, drawings: Clean pictures `[H, W, 3]`, uint8; there may be no
            drawings.
        recipe: How they are cut out and compressed.
    """

    def __init__(
        self,
        photographs: Sequence[np.ndarray],
        drawings: Sequence[np.ndarray],
        recipe: JpegRecipe,
    ):
        self._photographs, self._drawings = photographs, drawings
        self._recipe = recipe
        # Several threads need the same group at a time: one of them compresses it.
        self._lock = threading.Lock()
        self._pieces_of = functools.lru_cache(maxsize=3)(self._draw_pieces)

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The batch of one training step.

        Returns:
            Y, Cb, Cr, compressed and clean, `[B, P, P, 3]`, float32 in [0, 1]; the
            planes of their tables, `[B, P, P, 3]`; and the `weights` of Y, and of Cb
            and Cr, `[B, 2]`.

        Raises:
            ValueError: A picture is smaller than a patch and its margin.
        """
        recipe = self._recipe
        group, turn_of = divmod(step, recipe.steps_per_group)
        with self._lock:
            pieces = self._pieces_of(group)
        order = np.random.default_rng((recipe.seed, group, 1)).permutation(
            np.arange(recipe.batch_size * recipe.steps_per_group) % len(pieces)
        )
        mine = order[turn_of * recipe.batch_size : (turn_of + 1) * recipe.batch_size]
        rng = np.random.default_rng((recipe.seed, step, 2))
        drawn = [_patch(pieces[index], recipe.patch_size, rng) for index in mine]
        compressed, clean, planes, counts = (
            np.stack(arrays).astype(np.float32) for arrays in zip(*drawn, strict=True)
        )
        return compressed / np.float32(255), clean / np.float32(255), planes, counts

    def _draw_pieces(self, group: int) -> list[Piece]:
        recipe = self._recipe
        rng = np.random.default_rng((recipe.seed, group))
        patches = recipe.batch_size * recipe.steps_per_group
        count = -(-patches // recipe.patches_per_piece)
        return [self._draw_piece(rng) for _ in range(count)]

    def _draw_piece(self, rng: np.random.Generator) -> Piece:
        recipe = self._recipe
        is_drawing = len(self._drawings) and rng.random() < recipe.drawings
        least = recipe.patch_size + MARGIN
        rgb = _draw_picture(
            self._drawings if is_drawing else self._photographs, least, rng
        )
        is_grey = rng.random() < recipe.grey
        again = rng.random() < recipe.again
        scale = 1.0
        if again and rng.random() < recipe.scaled:
            scale = rng.uniform(_SMALLEST_SCALE, 1)
        rgb = _cut(rgb, round(recipe.piece_size / scale), rng)
        clean = _as_grey(rgb, rng) if is_grey else rgb
        if rng.random() < recipe.clear:
            planes = clean_planes(clean)
            return Piece(np.round(planes).astype(np.uint8), planes)
        compressed, first, origin = clean, None, (0, 0)
        if again:
            first = _compressed(compressed, recipe, rng)
            compressed = shown(first)
            if scale < 1:
                compressed, clean = _scaled(compressed, clean, scale, least)
            elif rng.random() < recipe.shifted:
                origin = top, left = tuple(rng.integers(0, _BLOCK, 2))
                compressed, clean = compressed[top:, left:], clean[top:, left:]
        decoded = _compressed(compressed, recipe, rng)
        planes = clean_planes(clean)
        if rng.random() < recipe.cropped:
            top, left = rng.integers(0, _BLOCK, 2)
            looks = clean_planes(shown(decoded)[top:, left:])
            return Piece(np.round(looks).astype(np.uint8), planes[top:, left:])
        piece = Piece(decoded.planes, planes, decoded.tables)
        if first is not None and any(origin):
            table = first.tables.steps[0]
            as_found = piece.of_first(table, origin)
            is_large = min(as_found.clean.shape[:2]) >= recipe.patch_size
            if is_large and are_coarser(table, decoded.tables.steps[0]):
                piece = as_found
        is_known = rng.random() >= recipe.hidden
        return piece if is_known else dataclasses.replace(piece, tables=UNKNOWN)


def clean_planes(picture: np.ndarray) -> np.ndarray:
    """Y, Cb, Cr `[H, W, 3]` of a picture `[H, W, 3]` or a grey one `[H, W]`, uint8.

    Not rounded: float32, grey levels.
    """
    if picture.ndim == 3:
        return to_ycc(picture)
    grey = picture.astype(np.float32)
    return np.stack([grey, *[np.full_like(grey, 128)] * 2], axis=-1)


def shown(decoded: encoders.Decoded) -> np.ndarray:
    """The decoded picture as programs show it, uint8: RGB, or grey `[H, W]`."""
    if not decoded.tables.steps[1].any():
        return decoded.planes[..., 0]
    # Pillow's own conversion truncates, and so darkens by half a grey level.
    rgb = to_rgb(decoded.planes)
    return np.clip(np.round(rgb), 0, 255).astype(np.uint8)


def weights(of_piece: np.ndarray, of_patch: np.ndarray) -> np.ndarray:
    """Weights of the squared errors, in [0, 1], of Y, and of Cb and Cr, `[2]`.

    1 / (1 + e), e the error of the whole compressed piece: 1 dB is 1 dB at every
    quality. But where most of a piece is flat and right, the few patches that are not
    would weigh ten times the others: e is at least a third of the patch's own error.

    Args:
        of_piece, of_patch: `Piece.errors`.
    """
    return 255**2 / (1 + np.maximum(of_piece, of_patch / 3))


def _draw_picture(
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


def _cut(rgb: np.ndarray, side: int, rng) -> np.ndarray:
    """A square of at most `side` pixels, anywhere."""
    top, left = (
        int(rng.integers(max(0, length - side) + 1)) for length in rgb.shape[:2]
    )
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def _as_grey(rgb: np.ndarray, rng) -> np.ndarray:
    """Luma `[H, W]`, uint8, in the range of a grey file or in MATLAB's."""
    luma = to_ycc(rgb)[..., 0]
    if rng.random() < 0.5:
        luma = 16 + luma * (219 / 255)
    return np.round(luma).astype(np.uint8)


def _compressed(picture: np.ndarray, recipe: JpegRecipe, rng) -> encoders.Decoded:
    settings = encoders.draw_settings(
        rng,
        qualities=recipe.qualities,
        low_bias=recipe.low_bias,
        grey=picture.ndim == 2,
        encoders=recipe.encoders,
    )
    return encoders.decode(encoders.encode(picture, settings))


def _scaled(compressed: np.ndarray, clean: np.ndarray, scale: float, least: int):
    """Both scaled down, to no less than `least` pixels a side."""
    height, width = (max(least, round(scale * side)) for side in clean.shape[:2])
    return (
        cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        for picture in (compressed, clean)
    )


def _patch(piece: Piece, side: int, rng) -> tuple[np.ndarray, ...]:
    """A square that begins on the piece's grid: planes, their tables, and weights."""
    top, left = (
        _BLOCK * int(rng.integers((length - side) // _BLOCK + 1))
        for length in piece.clean.shape[:2]
    )
    patch = piece.part(top, left, side)
    counts = weights(piece.errors(), patch.errors())
    return patch.compressed, patch.clean, patch.table_planes(), counts
