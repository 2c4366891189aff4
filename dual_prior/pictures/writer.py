"""From arrays to the bytes of a picture file."""

import contextlib
import errno
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from dual_prior.pictures.deflate import deflated
from dual_prior.pictures.metadata import (
    DESCRIPTIVE_TAGS,
    MAX_JPEG_EXIF,
    parsed_exif,
)
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.png import deep_png, with_metadata
from dual_prior.pictures.reader import PictureError
from dual_prior.system.atomic_file import atomic_file

_FORMATS = {
    ".png": "png",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}
FORMATS = frozenset(_FORMATS.values())

_MAX_SIDE = {"webp": 16383, "jpeg": 65500}  # libjpeg's

# What a segment of a JPEG file takes, bytes; resolutions have two.
_MAX_SEGMENT = {
    "exif": MAX_JPEG_EXIF,
    "xmp": 65533 - len("http://ns.adobe.com/xap/1.0/0"),
    "comment": 65533,
}
_MAX_JPEG_DPI = 65535


def output_format(suffix: str) -> str:
    """The format "png", "webp", "tiff" or "jpeg" of a suffix, as ".PNG".

    Raises:
        ValueError: No format that is written has this suffix.
    """
    try:
        return _FORMATS[suffix.lower()]
    except KeyError:
        known = ", ".join(_FORMATS)
        raise ValueError(f"Expected a suffix of {known}, got {suffix!r}.") from None


def encode_picture(
    picture: Picture,
    format: str = "png",
    jpeg_quality: int = 95,
    notes: list[str] | None = None,
) -> bytes:
    """The file that shows `picture`, always the same for the same picture.

    All formats but JPEG give the pixels back exactly. WebP has no place for a
    resolution and no grey: its grey pictures are of three equal channels, without the
    profile, which is one for grey. So are grey TIFF files of 16 bits with alpha, which
    hardly any program opens otherwise. Comments have a place in JPEG only.

    Args:
        picture: Of uint8, or of uint16 for PNG and TIFF.
        format: "png", "webp" (lossless), "tiff" or "jpeg" (4:4:4).
        jpeg_quality: libjpeg's quality factor, 1 to 100.
        notes: Takes a sentence for metadata that are too long for JPEG.

    Raises:
        ValueError: The format cannot hold the picture.
    """
    check_fits(picture, format)
    if format == "jpeg" and not 1 <= jpeg_quality <= 100:
        raise ValueError(f"Expected a JPEG quality of 1 to 100, got {jpeg_quality}.")
    metadata = dict(picture.metadata)
    planes = np.atleast_3d(picture.pixels)
    is_deep, has_alpha = planes.dtype == np.uint16, picture.alpha is not None
    if picture.is_grey and (
        format == "webp" or (format == "tiff" and is_deep and has_alpha)
    ):
        planes = planes.repeat(3, axis=-1)
        metadata.pop("icc_profile", None)
    if has_alpha:
        planes = np.concatenate([planes, picture.alpha[..., None]], axis=-1)
    if format == "tiff":
        return _tiff(planes, metadata)
    if format == "png" and is_deep:
        return with_metadata(deep_png(planes), metadata)
    image = Image.fromarray(planes[..., 0] if planes.shape[2] == 1 else planes)
    if format == "png":
        return with_metadata(_saved(image, "PNG").getbuffer(), metadata)
    if format == "webp":
        metadata.pop("dpi", None)
        metadata.pop("comment", None)
        # Without `exact`, pixels under full transparency would change.
        return _saved(image, "WEBP", lossless=True, exact=True, **metadata).getvalue()
    _drop_too_long(metadata, [] if notes is None else notes)
    settings = {"quality": jpeg_quality, "subsampling": 0, **metadata}
    return _saved(image, "JPEG", **settings).getvalue()


def check_fits(picture: Picture, format: str, depth: int | None = None) -> None:
    """Refuses a picture that a format cannot hold.

    Args:
        picture: The picture.
        format: As of `encode_picture`.
        depth: Bits a channel that it is to have; None for those that it has.

    Raises:
        ValueError: The format cannot hold the picture, or is not written.
    """
    if format not in FORMATS:
        raise ValueError(f"Expected png, webp, tiff or jpeg, got {format!r}.")
    if format == "jpeg" and picture.alpha is not None:
        raise ValueError("JPEG has no alpha: write PNG, WebP or TIFF.")
    is_deep = picture.pixels.dtype == np.uint16 if depth is None else depth == 16
    if format in ("jpeg", "webp") and is_deep:
        raise ValueError(f"{format} has no 16 bits a channel: write PNG or TIFF.")
    if max(picture.pixels.shape[:2]) > _MAX_SIDE.get(format, np.inf):
        raise ValueError(f"{format} has at most {_MAX_SIDE[format]} pixels a side.")


@contextlib.contextmanager
def picture_file(path: str | os.PathLike) -> Iterator[Callable[[bytes], None]]:
    """A file to be, complete or not there; folders are made as needed.

    Entering shows that it can be written, before any work is done.

    Yields:
        What writes the content. To be called once.

    Raises:
        PictureError: The file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OSError("not a regular file")  # renaming would replace a device
        # Renaming would ask for neither; what root may is not what a mode of 0444 says.
        if path.exists() and not (
            path.stat().st_mode & 0o222 and os.access(path, os.W_OK)
        ):
            raise OSError("write-protected")
        with atomic_file(path) as file:
            yield file.write
    except PictureError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PictureError(path, f"cannot be written ({reason})") from error


def _drop_too_long(metadata: dict, notes: list[str]) -> None:
    """Leaves out what JPEG has no room for; Pillow would fail, or cut numbers."""
    for key, room in _MAX_SEGMENT.items():
        if len(metadata.get(key, b"")) > room:
            del metadata[key]
            notes.append(f"the {key.upper()} data are too long for JPEG: dropped")
    if max(metadata.get("dpi", (0,))) > _MAX_JPEG_DPI:
        del metadata["dpi"]
        notes.append("the resolution is too high for JPEG: dropped")


def _saved(image: Image.Image, format: str, **arguments) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, format, **arguments)
    return buffer


def _tiff(planes: np.ndarray, metadata: dict) -> bytes:
    """A TIFF file of any depth: Pillow writes directories, but no 16 bits in colour.

    Args:
        planes: `[H, W, C]`, uint8 or uint16, C from 1 (grey) to 4 (with alpha).
        metadata: As in `Picture`.
    """
    height, width, channels = planes.shape
    is_grey = channels < 3

    def differences(rows):
        # Along the rows they compress better: predictor 2.
        differing = rows.copy()
        differing[:, 1:] -= rows[:, :-1]
        return differing.astype(planes.dtype.newbyteorder("<"))

    strip = deflated(planes, differences)
    tags = ImageFileDirectory_v2()
    exif = parsed_exif(metadata)
    for tag in DESCRIPTIVE_TAGS & set(exif):
        tags[tag] = exif[tag]
    for tag in {IFD.Exif, IFD.GPSInfo} & set(exif):
        part = exif.get_ifd(tag)
        if IFD.Interop in part:  # an offset, until it is asked for
            part = {**part, IFD.Interop: exif.get_ifd(IFD.Interop)}
        tags[tag] = part
    tags[TiffImagePlugin.IMAGEWIDTH] = width
    tags[TiffImagePlugin.IMAGELENGTH] = height
    tags[TiffImagePlugin.BITSPERSAMPLE] = (8 * planes.dtype.itemsize,) * channels
    tags[TiffImagePlugin.COMPRESSION] = 8  # Deflate
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1 if is_grey else 2
    tags[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    tags[TiffImagePlugin.ROWSPERSTRIP] = height
    tags[TiffImagePlugin.PREDICTOR] = 2
    tags[TiffImagePlugin.STRIPOFFSETS] = (0,)  # counted from the end by Pillow
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = (len(strip),)
    if channels in (2, 4):
        tags[TiffImagePlugin.EXTRASAMPLES] = (2,)  # alpha, not premultiplied
    if dpi := metadata.get("dpi"):
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2  # inches
        tags[TiffImagePlugin.X_RESOLUTION] = IFDRational(dpi[0])
        tags[TiffImagePlugin.Y_RESOLUTION] = IFDRational(dpi[1])
    for key, tag in (("icc_profile", 34675), ("xmp", 700)):
        if key in metadata:
            tags.tagtype[tag] = 7 if key == "icc_profile" else 1
            tags[tag] = metadata[key]
    buffer = io.BytesIO()
    tags.save(buffer)
    return buffer.getvalue() + strip
