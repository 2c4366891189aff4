"""From a `Picture` to the bytes of a file, and to a file that is complete or absent."""

import contextlib
import errno
import io
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from dual_prior.atomic_file import atomic_file
from dual_prior.picture import Picture
from dual_prior.picture_reader import PictureError
from dual_prior.text import shown

FORMATS = ("png", "webp", "tiff", "jpeg")

_FORMAT_OF_SUFFIX = {
    ".png": "png",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
}

_XMP_KEYWORD = "XML:com.adobe.xmp"
_XMP_TAG, _ICC_TAG = 700, 34675
_INCHES_A_METRE = 1 / 0.0254


def output_format(suffix: str) -> str:
    """The format that a file name's suffix stands for.

    Raises:
        ValueError: It stands for none that is written.
    """
    if suffix.lower() not in _FORMAT_OF_SUFFIX:
        raise ValueError(
            f"Expected a result named {', '.join(_FORMAT_OF_SUFFIX)}; got "
            f"{suffix or 'no suffix'!r}. --format says what it shall be."
        )
    return _FORMAT_OF_SUFFIX[suffix.lower()]


def encode_picture(
    picture: Picture, format: str = "png", jpeg_quality: int = 95, strip: bool = False
) -> bytes:
    """A picture file's bytes, with the picture's metadata. All but JPEG lose nothing.

    Args:
        picture: The picture.
        format: "png", "webp", "tiff" or "jpeg" (4:4:4).
        jpeg_quality: 1 to 100.
        strip: Carry over the colour profile only.

    Raises:
        ValueError: The format does not take such a picture.
    """
    if format not in FORMATS:
        raise ValueError(
            f"Expected a format among {', '.join(FORMATS)}; got {format!r}."
        )
    metadata = dict(picture.metadata)
    if strip:
        metadata = {k: v for k, v in metadata.items() if k == "icc_profile"}
    if picture.pixels.dtype == np.uint16:
        return _encode_deep(picture, format, metadata)
    if format == "jpeg" and picture.alpha is not None:
        raise ValueError("JPEG has no alpha; choose another --format")
    image = Image.fromarray(picture.pixels)
    if picture.alpha is not None:
        image.putalpha(Image.fromarray(picture.alpha))
    buffer = io.BytesIO()
    xmp = metadata.pop("xmp", None)
    if format == "png":
        image.save(buffer, "PNG", pnginfo=_png_info(xmp), **metadata)
    elif format == "tiff":
        # Compressed, Pillow cannot write the directories that EXIF data consist of.
        compression = None if "exif" in metadata else "tiff_adobe_deflate"
        metadata["exif"] = _tiff_tags(metadata.pop("exif", None), xmp)
        image.save(buffer, "TIFF", compression=compression, **metadata)
    else:
        if xmp is not None:
            metadata["xmp"] = xmp
        settings = {
            "webp": {"lossless": True, "exact": True},
            "jpeg": {"quality": jpeg_quality, "subsampling": 0},
        }[format]
        image.save(buffer, format.upper(), **settings, **metadata)
    return buffer.getvalue()


@contextlib.contextmanager
def picture_file(path: str | os.PathLike) -> Iterator[Callable[[bytes], object]]:
    """A file to be, complete or not there; folders are made as needed.

    Entering shows that it can be written, before any work is done.

    Yields:
        What writes bytes into it.

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
        with atomic_file(path) as file:
            yield file.write
    except PictureError:
        raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PictureError(f"{shown(path)}: cannot be written ({reason})") from error


def _png_info(xmp: bytes | None) -> PngImagePlugin.PngInfo | None:
    if xmp is None:
        return None
    info = PngImagePlugin.PngInfo()
    info.add_itxt(_XMP_KEYWORD, xmp.decode("utf-8", "replace"))
    return info


def _tiff_tags(exif: bytes | None, xmp: bytes | None) -> Image.Exif:
    tags = Image.Exif()
    if exif is not None:
        tags.load(exif)
    if xmp is not None:
        tags[_XMP_TAG] = xmp
    return tags


def _encode_deep(picture: Picture, format: str, metadata: dict) -> bytes:
    if format == "png":
        return _with_chunks(_deep_png(picture), _png_chunks(metadata))
    if format == "tiff":
        return _deep_tiff(picture, metadata)
    raise ValueError(f"{format} has 8 bits a channel; 16 are for png and tiff")


def _planes(picture: Picture) -> np.ndarray:
    """`[H, W]`, `[H, W, 3]`, or with alpha `[H, W, 4]`: few read grey with alpha."""
    if picture.alpha is None:
        return picture.pixels
    pixels = picture.pixels
    if picture.is_grey:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    return np.concatenate([pixels, picture.alpha[..., None]], axis=-1)


def _deep_png(picture: Picture) -> bytes:
    """16 bits a channel, which Pillow does not write."""
    import cv2

    planes = _planes(picture)
    if planes.ndim == 3:  # OpenCV's order is blue, green, red
        planes = planes[..., [2, 1, 0, 3][: planes.shape[2]]]
    _, encoded = cv2.imencode(".png", planes)
    return encoded.tobytes()


def _png_chunks(metadata: dict) -> list[tuple[bytes, bytes]]:
    """What belongs before a PNG's pixels: (type, content)."""
    chunks = []
    if "icc_profile" in metadata:
        profile = zlib.compress(metadata["icc_profile"])
        chunks.append((b"iCCP", b"ICC Profile\0\0" + profile))
    if "dpi" in metadata:
        x, y = (round(value * _INCHES_A_METRE) for value in metadata["dpi"])
        chunks.append((b"pHYs", struct.pack(">IIB", x, y, 1)))
    if "xmp" in metadata:
        # Keyword, not compressed, no language, no translated keyword, the text.
        content = _XMP_KEYWORD.encode() + b"\0\0\0\0\0" + metadata["xmp"]
        chunks.append((b"iTXt", content))
    if "exif" in metadata:
        chunks.append((b"eXIf", metadata["exif"].removeprefix(b"Exif\0\0")))
    return chunks


def _with_chunks(png: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
    header_end = 8 + 25  # the signature, and the header chunk
    parts = [png[:header_end]]
    for kind, content in chunks:
        checksum = zlib.crc32(kind + content)
        parts.append(struct.pack(">I", len(content)) + kind + content)
        parts.append(struct.pack(">I", checksum))
    return b"".join([*parts, png[header_end:]])


def _deep_tiff(picture: Picture, metadata: dict) -> bytes:
    """16 bits a channel, which Pillow does not write in colour. EXIF stays behind."""
    import tifffile

    tags = [
        (tag, 7, len(metadata[key]), metadata[key], True)
        for tag, key in ((_ICC_TAG, "icc_profile"), (_XMP_TAG, "xmp"))
        if key in metadata
    ]
    resolution = {}
    if "dpi" in metadata:
        resolution = {"resolution": metadata["dpi"], "resolutionunit": "INCH"}
    planes = _planes(picture)
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer,
        planes,
        photometric="rgb" if planes.ndim == 3 else "minisblack",
        planarconfig="contig" if planes.ndim == 3 else None,
        extrasamples=None if picture.alpha is None else ["unassalpha"],
        compression="deflate",
        extratags=tags,
        metadata=None,
        software=False,
        **resolution,
    )
    return buffer.getvalue()
