"""A decoded picture and what came with it."""

import dataclasses
import functools

import numpy as np

from dual_prior.jpeg.header import JpegHeader
from dual_prior.jpeg.table_plane import UNKNOWN, Tables
from dual_prior.jpeg.traces import Trace, find_trace


@dataclasses.dataclass
class Notes:
    """Remarks on how a picture was read, a sentence each.

    Attributes:
        warnings: All of them.
        losses: Those that name a part of the file that cannot be kept.
    """

    warnings: list[str] = dataclasses.field(default_factory=list)
    losses: list[str] = dataclasses.field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Adds a warning."""
        self.warnings.append(sentence)

    def lose(self, sentence: str) -> None:
        """Adds a loss, which is a warning, too."""
        self.warnings.append(sentence)
        self.losses.append(sentence)


@dataclasses.dataclass
class Picture:
    """A decoded picture, the right way up.

    Attributes:
        pixels: `[H, W]` (grey) or `[H, W, 3]` (red, green, blue), uint8 or uint16.
        alpha: `[H, W]`, of the same dtype, or None.
        format: What the file is, as Pillow names it: "JPEG", "PNG", ...
        jpeg: The header of a JPEG file, else None.
        metadata: The metadata that results keep, if present: `icc_profile` (bytes),
            `exif` (bytes that begin with "Exif", those of the file but for orientation,
            sizes and thumbnail), `xmp` (bytes), `dpi` (horizontal, vertical),
            `photoshop` (resources, captions among them), `comment`; of a JPEG file, for
            a JPEG result, `extended_xmp`, `segments`, `mpf` and `trailer` (see
            `jpeg_parts`); of a PNG file, for a PNG result, `png_chunks` (texts and
            colours).
        warnings: Remarks on how it was read, a sentence each.
        losses: Those that name a part of the file that cannot be kept.
        symmetry: How the pixels were turned by the file's orientation, 0 to 7: see
            `Tables.turned`.
        has_palette: Whether the file has a palette of colours.
        tables: The quantization tables of a JPEG file, as they lie on the pixels.
        encoded: A JPEG file itself, where its blocks are those of the pixels: whole,
            not damaged, and a block begins at the first pixel after turning; else None.
        place: Of a part: its first row and column, and the height and width of the
            whole; else None.

    Example:
        >>> picture = dual_prior.read_picture("photo.jpg")
        >>> picture.quality, picture.jpeg.subsampling, picture.num_channels
        (30, '4:2:0', 3)
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    format: str = "PNG"
    jpeg: JpegHeader | None = None
    metadata: dict = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)
    losses: list[str] = dataclasses.field(default_factory=list)
    symmetry: int = 0
    has_palette: bool = False
    tables: Tables = UNKNOWN
    encoded: bytes | None = None
    place: tuple[int, int, int, int] | None = None

    @property
    def is_grey(self) -> bool:
        """Whether there is one channel, alpha not counted."""
        return self.pixels.ndim == 2

    @functools.cached_property
    def trace(self) -> Trace | None:
        """The trace of a compression, of JPEG files of one before the last."""
        return find_trace(self.pixels, self.tables)

    @property
    def num_channels(self) -> int:
        """Number of channels, alpha included."""
        return (1 if self.is_grey else 3) + (self.alpha is not None)

    @property
    def quality(self) -> int | None:
        """Estimated JPEG quality, 1 to 100, or None for other formats."""
        return self.jpeg.quality if self.jpeg else None

    @property
    def description(self) -> str:
        """In words, as "colour JPEG 4:2:0 of quality about 75"."""
        words = ["grey" if self.is_grey else "colour", self.format]
        if self.pixels.dtype == np.uint16:
            words.insert(0, "16-bit")
        if self.jpeg and self.jpeg.components > 1:
            words.append(self.jpeg.subsampling)
        if self.quality is not None:
            words.append(f"of quality about {self.quality}")
        return " ".join(words)

    def with_pixels(self, pixels: np.ndarray) -> "Picture":
        """The same picture with other pixels; alpha follows them in depth."""
        alpha = self.alpha
        if alpha is not None:
            alpha = of_depth(alpha, 8 * pixels.itemsize)
        return dataclasses.replace(self, pixels=pixels, alpha=alpha)


def of_depth(pixels: np.ndarray, depth: int | None) -> np.ndarray:
    """The same pixels in 8 or 16 bits a channel; None for as many as they have."""
    if depth is None or depth == 8 * pixels.itemsize:
        return pixels
    if depth == 16:
        return pixels.astype(np.uint16) * np.uint16(257)
    return np.round(pixels / np.float32(257)).astype(np.uint8)
