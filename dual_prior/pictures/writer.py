"""From arrays to the bytes of a picture file."""

import io

import numpy as np
from PIL import Image

from dual_prior.pictures.formats import FORMATS
from dual_prior.pictures.jpeg_parts import with_parts
from dual_prior.pictures.metadata import fitting
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.png import deep_png, with_metadata
from dual_prior.pictures.tiff import encode_tiff

_MAX_SIDE = {"webp": 16383, "jpeg": 65500}  # libjpeg's


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
    hardly any program opens otherwise. docs/metadata.md lists what metadata each keeps.

    Args:
        picture: Of uint8, or of uint16 for PNG and TIFF.
        format: "png", "webp" (lossless), "tiff" or "jpeg" (4:4:4).
        jpeg_quality: libjpeg's quality factor, 1 to 100.
        notes: Takes a sentence for each part of the metadata that has no place.

    Raises:
        ValueError: The format cannot hold the picture.
    """
    check_fits(picture, format)
    if format == "jpeg" and not 1 <= jpeg_quality <= 100:
        raise ValueError(f"Expected a JPEG quality of 1 to 100, got {jpeg_quality}.")
    metadata, lost = fitting(picture, format)
    if notes is not None:
        notes += lost
    planes = np.atleast_3d(picture.pixels)
    is_deep, alpha = planes.dtype == np.uint16, picture.alpha
    if picture.is_grey and (
        format == "webp" or (format == "tiff" and is_deep and alpha is not None)
    ):
        planes = planes.repeat(3, axis=-1)
        metadata.pop("icc_profile", None)
    if alpha is not None:
        planes = np.concatenate([planes, alpha[..., None]], axis=-1)
    if format == "tiff":
        return encode_tiff(planes, metadata)
    if format == "png" and is_deep:
        return with_metadata(deep_png(planes), metadata)
    image = Image.fromarray(planes[..., 0] if planes.shape[2] == 1 else planes)
    if format == "png":
        return with_metadata(_saved(image, "PNG").getbuffer(), metadata)
    # What Pillow is to write by itself.
    usual = {
        key: metadata[key]
        for key in ("icc_profile", "exif", "xmp", "dpi", "comment")
        if key in metadata
    }
    if format == "webp":
        # Without `exact`, pixels under full transparency would change.
        return _saved(image, "WEBP", lossless=True, exact=True, **usual).getvalue()
    settings = {"quality": jpeg_quality, "subsampling": 0, **usual}
    return with_parts(_saved(image, "JPEG", **settings).getvalue(), metadata)


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


def _saved(image: Image.Image, format: str, **arguments) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, format, **arguments)
    return buffer
