"""Everything a user can choose about restoring files."""

import dataclasses
import os
import re
from pathlib import Path

from dual_prior.pictures.formats import KNOWN_SUFFIXES, SUFFIXES, output_format
from dual_prior.pictures.reader import Limits
from dual_prior.restoration.options import Options, documented, option

_CROP = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})\+(\d{1,6})\+(\d{1,6})")


@documented
@dataclasses.dataclass(frozen=True)
class Settings(Options):
    """How files are read, restored and written: `Options` and more.

    Each field is a flag of `dual-prior restore` and a keyword of `restore_file`.

    Raises:
        ValueError: A value is out of range, or two of them contradict each other.
        OSError: The weights file does not exist.

    Example:
        >>> settings = dual_prior.Settings(format="webp", quality=90, overwrite=True)
        >>> settings.quality
        90
        >>> dual_prior.Settings(quality=101)
        Traceback (most recent call last):
        ValueError: Expected a quality of 1 to 100, got 101.
    """

    format: str | None = option(
        None,
        "format of results; same: as the name of each source says, where it is written "
        "(default: by the suffix of the output, else png)",
        group="writing",
        choices=(*SUFFIXES, "same"),
        short="-f",
    )
    suffix: str = option(
        ".restored",
        "what the names of results have after the name of the source; '' for nothing, "
        "in another folder",
        group="writing",
        metavar="TEXT",
    )
    long_names: bool = option(
        False,
        "name results after the whole name of the source (photo.jpg.restored.png), "
        "where photo.jpg and photo.png are in one folder",
        group="writing",
    )
    quality: int | None = option(
        None,
        "quality of JPEG and AVIF results (default: 95); WebP and JPEG XL results, "
        "lossless without it, become lossy",
        group="writing",
        between=(1, 100),
    )
    subsampling: int = option(
        444,
        "chroma of JPEG and AVIF results: 444 keeps all of it, 420 halves its width "
        "and height",
        group="writing",
        choices=(444, 420),
    )
    strip: bool = option(
        False,
        "leave out EXIF, XMP and resolution; the colour profile stays",
        group="writing",
    )
    in_place: bool = option(
        False,
        "overwrite each picture once its result is complete; restored files are marked "
        "and skipped next time",
        group="writing",
    )
    backup: str | None = option(
        None,
        "in place, keep the original as NAME and this suffix",
        group="writing",
        metavar="SUFFIX",
    )
    force: bool = option(
        False,
        "in place, overwrite pictures even if the result lacks parts of the file",
        group="writing",
    )
    preserve_times: bool = option(
        False, "give results the date of their sources", group="writing"
    )
    overwrite: bool = option(
        False,
        "overwrite existing results and comparisons (default: skip pictures that have "
        "a result)",
        group="writing",
    )
    crop: str | None = option(
        None,
        "try the settings on a part of a picture, W by H pixels, X from the left and Y "
        "from the top; its edges move outwards onto the grid of 8x8 blocks",
        group="trying",
        metavar="WxH+X+Y",
    )
    strict: bool = option(False, "refuse JPEGs with damaged data", group="reading")
    salvage: bool = option(
        False,
        "restore what is left of truncated JPEG and PNG files; overridden by strict",
        group="reading",
    )
    page: int | None = option(
        None,
        "which picture of a TIFF file of several, from 1",
        group="reading",
        between=(1, 1e6),
    )
    max_megapixels: float = option(
        100, "megapixels of a picture, at most", group="reading", between=(1e-6, 1e6)
    )
    max_file_size: float = option(
        64, "megabytes of a file, at most", group="reading", between=(1e-6, 1e6)
    )
    max_scans: int = option(
        100,
        "scans of a JPEG, at most (fewer above 50 megapixels)",
        group="reading",
        between=(1, 1e6),
    )

    def __post_init__(self):
        if f".{self.format}" in (".jpg", ".tif"):
            object.__setattr__(self, "format", output_format(f".{self.format}"))
        super().__post_init__()
        for ending in (self.suffix, self.backup or ""):
            if os.sep in ending or "\0" in ending:
                raise ValueError(f"Expected a suffix without {os.sep}, got {ending!r}.")
        if self.backup is not None or self.force:
            if not self.in_place:
                raise ValueError("backup and force are for in_place.")
            if self.backup == "" or Path(f"x{self.backup}").suffix in KNOWN_SUFFIXES:
                raise ValueError(
                    f"Expected a backup suffix unlike a picture's, got {self.backup!r}."
                )
        if self.in_place and self.format is not None:
            raise ValueError(
                "in_place keeps the format of a picture: format is for new files."
            )
        if self.crop is not None and not _CROP.fullmatch(self.crop):
            raise ValueError(
                f"Expected a crop WxH+X+Y, as 400x300+0+80, got {self.crop!r}."
            )
        if self.crop is not None and self.in_place:
            raise ValueError("A crop is for a file of its own, not for in_place.")
        if self.in_place and not self.strength:
            raise ValueError(
                "A strength of 0 changes nothing: there is nothing to replace in place."
            )

    @property
    def options(self) -> Options:
        """The part that concerns arrays."""
        names = [field.name for field in dataclasses.fields(Options)]
        return Options(**{name: getattr(self, name) for name in names})

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """The crop: width, height, pixels from the left and from the top."""
        match = _CROP.fullmatch(self.crop or "")
        if match is None:
            return None
        width, height, left, top = map(int, match.groups())
        return width, height, left, top

    @property
    def limits(self) -> Limits:
        """What is decoded at most."""
        return Limits(
            max_megapixels=self.max_megapixels,
            max_file_megabytes=self.max_file_size,
            max_scans=self.max_scans,
        )
