"""From arrays to the bytes of a picture file."""

import io

import numpy as np
from PIL import Image

from dual_prior.pictures.exif import ORIENTATION, ExifBlock
from dual_prior.pictures.formats import LOSSY, SUFFIXES
from dual_prior.pictures.jpeg_parts import with_parts
from dual_prior.pictures.metadata import fitting
from dual_prior.pictures.picture import Picture
from dual_prior.pictures.png import deep_png, with_metadata
from dual_prior.pictures.srgb import in_srgb
from dual_prior.pictures.tiff import encode_tiff

_MAX_SIDE = {"webp": 16383, "jpeg": 65500, "avif": 65536}  # libjpeg's, libavif's
_QUALITY = 95  # ours
_AVIF_THREADS = 4  # ours: the bytes depend on it, so not on the machine
_MAX_COLOURS = 256  # of a palette


def encode_picture(
    picture: Picture,
    format: str = "png",
    quality: int | None = None,
    subsampling: int = 444,
    notes: list[str] | None = None,
) -> bytes:
    """Encodes a picture; the same picture always gives the same bytes.

    PNG and TIFF are lossless, and so are WebP and JPEG XL without a quality. WebP and
    AVIF have no grey: grey pictures get three equal channels there, without the grey
    profile. So do grey TIFF files of 16 bits with alpha, which hardly any program opens
    otherwise. A PNG whose source had a palette gets one again, where that is lossless.
    docs/metadata.md lists which metadata each format keeps.

    Args:
        picture: Of uint8, or of uint16 for PNG and TIFF.
        format: "png", "webp", "tiff", "jpeg", "avif" or "jxl".
        quality: Of the encoder, 1 to 100; 95 for JPEG and AVIF by default.
        subsampling: Of the chroma of JPEG and AVIF: 444 (none) or 420.
        notes: Takes a sentence for each part of the metadata that is lost.

    Raises:
        ValueError: The format cannot hold the picture.
    """
    check_fits(picture, format)
    if quality is not None and not 1 <= quality <= 100:
        raise ValueError(f"Expected a quality of 1 to 100, got {quality}.")
    if subsampling not in (444, 420):
        raise ValueError(f"Expected a subsampling of 444 or 420, got {subsampling}.")
    metadata, lost = fitting(picture, format)
    if notes is not None:
        notes += lost
    pixels = picture.pixels
    if format == "jxl" and (profile := picture.metadata.get("icc_profile")):
        pixels = in_srgb(pixels, profile)
    planes = np.atleast_3d(pixels)
    is_deep, alpha = planes.dtype == np.uint16, picture.alpha
    if picture.is_grey and (
        format in ("webp", "avif")
        or (format == "tiff" and is_deep and alpha is not None)
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
        small = _with_palette(planes) if picture.has_palette else None
        if small is not None:
            return with_metadata(small.getbuffer(), metadata)
        return with_metadata(_saved(image, "PNG").getbuffer(), metadata)
    # Metadata that Pillow writes.
    usual = {
        key: metadata[key]
        for key in ("icc_profile", "exif", "xmp", "dpi", "comment")
        if key in metadata
    }
    if format in ("webp", "jxl"):
        if format == "jxl":
            import pillow_jxl  # noqa: F401, lets Pillow write it

            quality = None if quality == 100 else quality  # which is lossless there
        how: dict = {"lossless": True} if quality is None else {"quality": quality}
        if format == "webp":
            how["exact"] = True  # else pixels under full transparency would change
        return _saved(image, format.upper(), **how, **usual).getvalue()
    how = {"quality": _QUALITY if quality is None else quality, **usual}
    how["subsampling"] = {444: "4:4:4", 420: "4:2:0"}[subsampling]
    if format == "avif":
        if "exif" in usual:  # Pillow would write them anew, to take it out
            block = ExifBlock(usual["exif"])
            block.remove(ORIENTATION)
            how["exif"] = block.tobytes()
        return _saved(image, "AVIF", max_threads=_AVIF_THREADS, **how).getvalue()
    return with_parts(_saved(image, "JPEG", **how).getvalue(), metadata)


def check_fits(picture: Picture, format: str, depth: int | None = None) -> None:
    """Checks that a format can hold a picture.

    Args:
        picture: The picture.
        format: As for `encode_picture`.
        depth: Bits a channel of the result; None for those of `picture`.

    Raises:
        ValueError: The format cannot hold the picture, or cannot be written.
    """
    if format not in SUFFIXES:
        *most, last = SUFFIXES
        raise ValueError(f"Expected {', '.join(most)} or {last}, got {format!r}.")
    if format == "jpeg" and picture.alpha is not None:
        raise ValueError("JPEG has no alpha: write PNG, WebP or TIFF.")
    is_deep = picture.pixels.dtype == np.uint16 if depth is None else depth == 16
    if format in LOSSY and is_deep:
        raise ValueError(f"{format} has no 16 bits a channel: write PNG or TIFF.")
    if max(picture.pixels.shape[:2]) > _MAX_SIDE.get(format, np.inf):
        raise ValueError(f"{format} has at most {_MAX_SIDE[format]} pixels a side.")


def _with_palette(planes: np.ndarray) -> io.BytesIO | None:
    """A PNG of a palette; None for more than 256 colours.

    Args:
        planes: `[H, W, 3]` or `[H, W, 4]`, uint8.
    """
    height, width, channels = planes.shape
    colours = np.full((height * width, 4), 255, np.uint8)
    colours[:, :channels] = planes.reshape(-1, channels)
    codes = colours.view(np.uint32)[:, 0]
    if len(np.unique(codes[: 2**16])) > _MAX_COLOURS:  # most are known soon
        return None
    found, indices = np.unique(codes, return_inverse=True)
    if len(found) > _MAX_COLOURS:
        return None
    image = Image.fromarray(indices.astype(np.uint8).reshape(height, width), "P")
    palette = found.view(np.uint8).reshape(-1, 4)
    image.putpalette(palette[:, :3].tobytes())
    alpha = {"transparency": palette[:, 3].tobytes()} if channels == 4 else {}
    return _saved(image, "PNG", **alpha)


def _saved(image: Image.Image, format: str, **arguments) -> io.BytesIO:
    buffer = io.BytesIO()
    image.save(buffer, format, **arguments)
    return buffer
