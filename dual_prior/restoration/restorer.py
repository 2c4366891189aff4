"""A network, loaded once, and what it does to pictures as a user wants it done."""

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np

from dual_prior.network.presets import find_preset
from dual_prior.restoration.options import Options
from dual_prior.restoration.tiles import OVERLAP, OnTile
from dual_prior.system.streams import start_backend

# What the process needs beside the picture and a tile, GiB: measured.
_BASE_GIB = 0.88

# Rows of tiles in memory at once, float32: parts, joined, those of the row before.
_ROWS_OF_TILES = 4

# Bytes that a pixel takes until it is written: 8 bits in three channels, as read, as
# restored, as encoded, and put together as a file.
_BYTES_PER_PIXEL = 12

# Of the memory, what pictures have that are read and written while one is restored.
_SHARE_OF_NEIGHBOURS = 0.1  # ours

# Sides of tiles, pixels, ours.
_MIN_TILE, _MAX_TILE = 2 * OVERLAP, 1280


_SAMPLE = 256  # ours, pixels: the classifier looks at parts of large pictures


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a picture.

    Attributes:
        pixels: As the picture's, or of `Options.depth`.
        probability: That it was compressed, by the classifier.
        skipped: Whether it was left alone as clean.
    """

    pixels: np.ndarray
    probability: float
    skipped: bool


class Restorer:
    """Restores pictures with one network.

    Args:
        options: How.

    Raises:
        ValueError: No weights ship with the preset, they do not fit it, or it does not
            tell clean pictures, which were to be skipped.
        OSError: The weights cannot be read.
    """

    def __init__(self, options: Options | None = None):
        start_backend()
        from dual_prior.network.unfolding import DualPriorNetwork

        self.options = options = options or Options()
        self._threshold = _clean_below(options.preset) if options.skip_clean else None
        self.network = DualPriorNetwork.from_preset(
            options.preset,
            "shipped" if options.weights is None else options.weights,
        )

    def restore(
        self,
        image: np.ndarray,
        on_tile: OnTile | None = None,
        num_channels: int | None = None,
    ) -> Result:
        """Restores a picture.

        Args:
            image: `[H, W]` or `[H, W, 3]` (red, green, blue), uint8 or uint16.
            on_tile: Called with (tiles done, tiles in all) after each tile.
            num_channels: Of the picture that the result becomes a part of: alpha takes
                memory, too. By default those of `image`.

        Raises:
            ValueError: `image` is no such picture.
            MemoryError: It needs more than `Options.max_memory` even in small tiles.
        """
        from dual_prior.restoration.pixels import restore_array

        options = self.options
        dtype = {None: None, 8: np.uint8, 16: np.uint16}[options.depth]
        probability = self.probability(image)
        skipped = options.skip_clean and probability < self._threshold
        tile = self._tile(image, num_channels)
        pixels = restore_array(
            image,
            # The picture itself, but of the depth wanted.
            (lambda y: y) if skipped else self._network_for(image, tile),
            self.network.deblocker.channels,
            options.strength,
            dtype,
            tile,
            on_tile,
        )
        return Result(pixels, probability, skipped)

    @functools.cached_property
    def _graph(self) -> Callable:
        """What restores; not made for `inspect`, which looks into the network."""
        from dual_prior.network.backend import compiled

        return compiled(self.network, self.network.deblocker.channels)

    def _network_for(self, image: np.ndarray, tile: int) -> Callable:
        """What restores the tiles of a picture."""
        from dual_prior.restoration.self_ensemble import self_ensemble
        from dual_prior.restoration.symmetries import SYMMETRIES, turn

        planes = image[..., None] if image.ndim == 2 else image
        is_tiled = max(planes.shape[:2]) > tile
        if not self.options.ensemble:
            return self._seeing(planes, is_tiled)
        # Whole blocks only: the windows must lie on the grid however it is turned.
        height, width = (max(8, side // 8 * 8) for side in planes.shape[:2])
        whole = planes[:height, :width]
        return self_ensemble(
            [self._seeing(turn(whole, s), is_tiled) for s in range(SYMMETRIES)]
        )

    def _seeing(self, planes: np.ndarray, is_tiled: bool) -> Callable:
        """The network, which knows of the whole picture if it is to see tiles of it."""
        from dual_prior.restoration.context import picture_contexts
        from dual_prior.restoration.pixels import seen_by

        deblocker = self.network.deblocker
        if not is_tiled or not deblocker.num_contexts:
            return self._graph
        seen = functools.partial(seen_by, deblocker.channels)
        contexts = picture_contexts(self.network, planes, seen)
        return functools.partial(self.network, contexts=contexts)

    def probability(self, image: np.ndarray) -> float:
        """f_s: how surely a picture was compressed, 0 to 1.

        Of a large picture, the mean over nine parts of it.

        Raises:
            ValueError: `image` is no picture, as of `restore`.
        """
        from keras import ops

        from dual_prior.network.operators import image_gradient
        from dual_prior.restoration.pixels import check_picture, seen_by

        check_picture(image)
        values = []
        for part in _parts(image):
            planes = part[..., None] if part.ndim == 2 else part
            seen = seen_by(self.network.deblocker.channels, planes)
            value = self.network.classifier(image_gradient(seen[None]))
            values.append(float(ops.convert_to_numpy(value)[0, 0]))
        return float(np.mean(values))

    def _tile(self, image: np.ndarray, num_channels: int | None = None) -> int:
        """The side of the tiles that fit into the memory allowed, pixels."""
        depth = self.options.depth or 8 * image.itemsize
        if num_channels is None:
            num_channels = image[0, 0].size
        size = image.shape[0] * image.shape[1] * num_channels
        # As read; as restored, as encoded, and put together as a file.
        pictures = size * image.itemsize + 3 * size * depth // 8
        row = 4 * image[0].size  # bytes of a row of pixels as float32
        per_pixel = find_preset(self.options.preset).bytes_per_tile_pixel

        def needed(tile: int) -> float:
            tiles = per_pixel * tile**2 + _ROWS_OF_TILES * row * tile
            gib = _BASE_GIB + (pictures + tiles) / 2**30
            return gib / (1 - _SHARE_OF_NEIGHBOURS)

        allowed = self.options.max_memory
        if needed(_MIN_TILE) > allowed:
            enough = math.ceil(10 * needed(_MIN_TILE)) / 10
            raise MemoryError(
                f"needs about {enough:.1f} GiB; max_memory allows {allowed:.1f}: raise "
                "it"
            )
        sides = range(_MIN_TILE, _MAX_TILE + 1, 8)
        return max(side for side in sides if needed(side) <= allowed)


def overlapping(max_memory: float) -> int:
    """Up to how many pixels pictures may be read and written while one is restored.

    Args:
        max_memory: Of the process, GiB: see `Options`.
    """
    share = _SHARE_OF_NEIGHBOURS * max_memory * 2**30
    return int(share / (2 * _BYTES_PER_PIXEL))  # the one before and the one after


def _clean_below(preset: str) -> float:
    threshold = find_preset(preset).clean_below
    if threshold is None:
        raise ValueError(
            f"The preset {preset!r} does not tell clean pictures: no threshold was "
            "measured for it."
        )
    return threshold


def _parts(image: np.ndarray) -> list[np.ndarray]:
    height, width = image.shape[:2]
    if max(height, width) <= 3 * _SAMPLE:
        return [image]

    def starts(side: int) -> list[int]:
        last = max(0, side - _SAMPLE)
        return [last * i // 2 // 8 * 8 for i in range(3)]

    return [
        image[top : top + _SAMPLE, left : left + _SAMPLE]
        for top in starts(height)
        for left in starts(width)
    ]
