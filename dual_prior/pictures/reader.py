"""From the bytes of a picture file to arrays.

Content is sniffed, names are never trusted. Whatever is wrong with a file ends in one
`PictureError` that names it.
"""

import contextlib
import dataclasses
import io
import os
import stat
import struct
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from dual_prior.jpeg.damage import jpeg_damage
from dual_prior.jpeg.header import (
    JpegHeader,
    read_jpeg_header,
    without_incomplete_end,
)
from dual_prior.jpeg.table_plane import UNKNOWN, Tables, tables_of
from dual_prior.pictures.boxes import check_coding, jpeg_xl_header, read_jpeg_xl_boxes
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.metadata import drop_unfit_profile, read_metadata
from dual_prior.pictures.picture import Notes, Picture
from dual_prior.pictures.png import completed_png, without_texts
from dual_prior.pictures.signatures import reader_of
from dual_prior.pictures.tiff import pages, single_page
from dual_prior.system.streams import silenced_stderr

_TRUNCATED = "truncated: what was left is restored"
_NO_END = "the end marker is missing"
# Pillow's words.
_UNKNOWN_LAYOUT = ("unknown pixel mode", "unknown raw mode", "Unsupported BMP")
# Pixels up to which a picture may have all of the scans allowed.
_SCAN_PIXELS = 50_000_000  # ours
_STREAM_PART = 1_000_000  # ours, bytes read at a time
_GREY_MODES = {"1", "L", "LA", "La", "I;16", "I;16B", "I;16L", "I;16N"}
_ALPHA_MODES = {"LA", "La", "PA", "RGBA", "RGBa"}
_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_PLANAR = 258, 262, 284
_TIFF_EXTRA, _TIFF_KIND = 338, 339
_TIFF_PLACES = [(273, 279), (324, 325)]  # of strips and of tiles: offsets, sizes


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits on files and pictures, against files made to exhaust memory or time.

    Attributes:
        max_megapixels: Millions of pixels.
        max_file_megabytes: Millions of bytes.
        max_scans: Scans of a JPEG file; each goes over all pixels.

    Example:
        >>> limits = dual_prior.Limits(max_megapixels=400)
        >>> dual_prior.read_picture("photo.jpg", limits).pixels.shape
        (48, 64, 3)
    """

    max_megapixels: float = 100  # ours
    max_file_megabytes: float = 64  # ours
    max_scans: int = 100  # ours


def read_picture(
    source: str | os.PathLike | bytes | BinaryIO,
    limits: Limits | None = None,
    strict: bool = False,
    salvage: bool = False,
    name: str | None = None,
    page: int | None = None,
) -> Picture:
    """Decodes a picture: JPEG, PNG, WebP, TIFF, BMP, or AVIF, HEIC and JPEG XL.

    Args:
        source: The path of a file, its content, or a stream of that.
        limits: The largest files and pictures to accept; `Limits()` by default.
        strict: Whether damage that decoders conceal is an error, not a warning.
        salvage: Whether to decode the rest of a truncated JPEG or PNG, with a warning.
            `strict` overrides it.
        name: What errors call the picture; by default the path, or "picture".
        page: Which of the full pictures of a TIFF file, from 1. By default the file
            must have only one, not counting thumbnails and smaller versions.

    Raises:
        PictureError: The file is missing, damaged, too large, animated, or not a
            picture of a supported format.

    Example:
        >>> dual_prior.read_picture("photo.jpg").description
        'colour JPEG 4:2:0 of quality about 30'
    """
    limits = limits or Limits()
    if isinstance(source, str | os.PathLike):
        name = name or os.fspath(source)
        # A path may be of another kind: of an object in a store.
        path = source if isinstance(source, Path) else Path(source)
        data = _read_file(path, limits, name)
    else:
        name = name or "picture"
        if isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source)
        else:
            data = read_stream(source, limits)
        _check_file_size(len(data), limits, name)
    if not data:
        raise PictureError(name, "empty file")
    with _one_error(name), _silence(data):
        picture = _decode(data, limits, strict, salvage and not strict, page, name)
        _check_damage(picture, data, strict, name)
    return picture


def read_stream(stream: BinaryIO, limits: Limits) -> bytes:
    """The content of a stream, up to one byte more than `read_picture` accepts."""
    missing = int(limits.max_file_megabytes * 1e6) + 1
    parts = []
    # In parts: one call would allocate memory for the limit first.
    while part := stream.read(min(missing, _STREAM_PART)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _read_file(path: Path, limits: Limits, name: str) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise PictureError(name, "is a folder, not a picture")
        if not stat.S_ISREG(status.st_mode):
            raise PictureError(name, "is not a regular file")
        _check_file_size(status.st_size, limits, name)
        return path.read_bytes()
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError(name, "not enough memory to read it") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        reason = getattr(error, "strerror", None) or str(error) or "unreadable"
        raise PictureError(name, reason.lower()) from error


def _check_file_size(size: int, limits: Limits, name: str) -> None:
    if size > limits.max_file_megabytes * 1e6:
        raise PictureError(
            name,
            f"a file of more than {limits.max_file_megabytes:g} megabytes "
            "(--max-file-size raises the limit)",
        )


_IGNORING = threading.Lock()


@contextlib.contextmanager
def _one_error(name: str) -> Iterator[None]:
    """Turns every error and warning of Pillow into one `PictureError`."""
    try:
        # Warning filters are global: threads that change them take turns.
        with _IGNORING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError(name, "not enough memory to decode it") from error
    except Image.DecompressionBombError as error:  # the limit that WebP's reader keeps
        reason = (
            f"of more than {2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6:.0f} megapixels"
        )
        raise PictureError(name, f"WebP {reason} is not supported") from error
    # Pillow's decoders raise many kinds of errors on broken data.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = f"truncated or damaged ({reason})"
        if "truncated" in str(error).lower():
            reason = "truncated"
        if any(words in str(error) for words in _UNKNOWN_LAYOUT):
            reason = "a layout of bits and channels that is not supported"
        raise PictureError(name, reason) from error


def _silence(data: bytes) -> contextlib.AbstractContextManager:
    """Silences the readers that print errors besides raising them."""
    is_tiff = data[:2] in (b"II", b"MM")
    is_deep_png = data[24:25] == b"\x10"  # OpenCV's
    return silenced_stderr() if is_tiff or is_deep_png else contextlib.nullcontext()


def _decode(
    data: bytes,
    limits: Limits,
    strict: bool,
    salvage: bool,
    page: int | None,
    name: str,
) -> Picture:
    reader = reader_of(data, name)
    header, stored = None, data
    if reader is JpegImageFile:
        header = _jpeg_header(data, limits, name)
    if reader is PngImageFile:
        width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
        _check_pixels(width, height, limits, name)
        data = without_texts(data)
    if reader.format == "JXL":  # which decodes at once, and the first frame only
        width, height, is_animated = jpeg_xl_header(data)
        _check_pixels(width, height, limits, name)
        if is_animated:
            raise PictureError(name, "animated")
    if reader is TiffImageFile:
        data = stored = _page(data, page, name)
    elif page not in (None, 1):
        raise PictureError(name, f"one picture, no page {page}")
    try:
        picture = _load(data, stored, reader, limits, name)
    except PictureError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        whole, warning = None, _TRUNCATED
        if header is not None and not strict and _lacks_only_its_end(data, header):
            whole, warning = without_incomplete_end(data), _NO_END
        elif salvage:
            whole = _completed(data, reader)
        if whole is None:
            is_salvageable = reader in (JpegImageFile, PngImageFile)
            if "truncated" in str(error).lower() and is_salvageable and not strict:
                reason = "truncated (--salvage restores what is left)"
                raise PictureError(name, reason) from error
            raise
        stored = whole if header is not None else stored
        picture = _load(whole, stored, reader, limits, name)
        picture.warnings.insert(0, warning)
    picture.jpeg = header
    if header is not None:
        picture.tables = _tables(header, picture)
        if picture.tables is not UNKNOWN and picture.tables.origin == (0, 0):
            picture.encoded = data
    return picture


def _tables(header: JpegHeader, picture: Picture) -> Tables:
    """The tables of a JPEG file as they lie on its pixels."""
    size = picture.pixels.shape[:2]
    height, width = size[::-1] if picture.symmetry % 2 else size
    if (height, width) != (header.height, header.width):
        return UNKNOWN
    return tables_of(header).turned(picture.symmetry, height, width)


def _page(data: bytes, page: int | None, name: str) -> bytes:
    """A TIFF file with one page only.

    Raises:
        PictureError: There are several and none was chosen, or fewer than the number
            chosen, or it is a camera's raw file.
    """
    try:
        found = pages(data)
    except NotImplementedError as error:
        raise PictureError(name, f"{error} is not supported") from error
    except (ValueError, struct.error):
        return data  # Pillow says what is wrong
    if page is None and len(found) > 1:
        reason = f"of several pages ({len(found)}): --page N takes one"
        raise PictureError(name, reason)
    if not 1 <= (page or 1) <= len(found):
        raise PictureError(name, f"no page {page} among {len(found)}")
    return single_page(data, found[(page or 1) - 1])


def _lacks_only_its_end(data: bytes, header: JpegHeader) -> bool:
    """Whether a JPEG file that cannot be decoded holds all of its blocks."""
    return header.is_complete and jpeg_damage(without_incomplete_end(data)) is None


def _jpeg_header(data: bytes, limits: Limits, name: str) -> JpegHeader:
    """The header of a file that libjpeg can decode, in acceptable time."""
    try:
        header = read_jpeg_header(data)
    except ValueError as error:
        reason = f"truncated or damaged JPEG ({error})"
        raise PictureError(name, reason) from error
    if header.process in ("lossless", "hierarchical"):
        raise PictureError(name, f"{header.process} JPEG is not supported")
    if header.precision != 8:
        reason = f"JPEG of {header.precision} bits is not supported"
        raise PictureError(name, reason)
    _check_pixels(header.width, header.height, limits, name)
    # Each scan goes over all pixels: of a large picture, fewer are allowed.
    pixels = header.width * header.height
    allowed = int(limits.max_scans * min(1.0, _SCAN_PIXELS / pixels))
    if header.num_scans > allowed:
        raise PictureError(
            name,
            f"{header.num_scans} scans, more than {allowed} "
            "(--max-scans raises the limit)",
        )
    return header


def _check_pixels(width: int, height: int, limits: Limits, name: str) -> None:
    if width * height > limits.max_megapixels * 1e6:
        raise PictureError(
            name,
            f"{width}x{height} is larger than {limits.max_megapixels:g} megapixels "
            "(--max-megapixels raises the limit)",
        )


def _completed(data: bytes, reader) -> bytes | None:
    """`data` with its missing end filled in; None for formats where that fails."""
    if reader is JpegImageFile:
        return without_incomplete_end(data)
    if reader is PngImageFile:
        return completed_png(data)
    return None


def _load(data: bytes, stored: bytes, reader, limits: Limits, name: str) -> Picture:
    with reader(io.BytesIO(data)) as image:
        _check_pixels(image.width, image.height, limits, name)
        is_deep = _is_deep(image, data, name)
        notes = Notes()
        if getattr(image, "n_frames", 1) > 1:
            if image.format != "HEIF":  # which says which of them counts
                raise PictureError(name, "animated or of several pages")
            notes.lose("only the first of several pictures in the file is restored")
        if image.format in ("AVIF", "HEIF"):
            check_coding(data, notes)
        _check_tiff_is_whole(image, data, name)
        if not isinstance(image.info.get("xmp", b""), bytes):
            del image.info["xmp"]  # a number, where a TIFF says so: Pillow would fail
            notes.lose("the XMP data are damaged and were dropped")
        image.load()
        if image.format == "JXL":
            read_jpeg_xl_boxes(data, image.info, notes)
        metadata, orientation = read_metadata(image, stored, notes)
        if image.format == "PNG" and data[24] in (2, 4):
            _scale_transparency(image, data[24])
        if is_deep:
            pixels, alpha = _deep_pixels(image, data)
        else:
            pixels, alpha = _pixels(image, metadata, notes)
        drop_unfit_profile(metadata, pixels.ndim == 2, notes)
        if alpha is not None:
            alpha = _upright(alpha, orientation)
        return Picture(
            pixels=_upright(pixels, orientation),
            alpha=alpha,
            format=image.format or "",
            metadata=metadata,
            warnings=notes.warnings,
            losses=notes.losses,
            has_palette=image.mode == "P",
            symmetry=_SYMMETRIES.get(orientation, 0),
        )


def _is_deep(image: Image.Image, data: bytes, name: str) -> bool:
    """Whether there are 16 bits a channel, which Pillow cuts to 8 in colour."""
    if image.format == "PNG":
        return data[24] == 16
    tags = getattr(image, "tag_v2", {})
    kinds = tags.get(_TIFF_KIND, (1,))
    if set(kinds) - {1, 4}:
        kind = {2: "signed", 3: "floating-point"}.get(max(kinds), "other")
        raise PictureError(name, f"TIFF of {kind} numbers is not supported")
    bits = set(tags.get(_TIFF_BITS, (1,)))
    is_planar = tags.get(_TIFF_PLANAR, 1) != 1
    if is_planar and image.mode in ("LA", "LAB"):  # Pillow mixes its channels up
        reason = f"TIFF of {image.mode} with its channels apart is not supported"
        raise PictureError(name, reason)
    if max(bits) <= 8:
        return False
    if bits != {16}:
        raise PictureError(name, f"TIFF of {max(bits)} bits is not supported")
    if is_planar and len(tags.get(_TIFF_BITS, ())) > 1:
        reason = "TIFF of 16 bits with its channels apart is not supported"
        raise PictureError(name, reason)
    if tags.get(_TIFF_PHOTOMETRIC) not in (1, 2):
        reason = "TIFF of 16 bits that is neither grey nor RGB is not supported"
        raise PictureError(name, reason)
    return True


def _scale_transparency(image: Image.Image, bits: int) -> None:
    """Scales the grey that is transparent to 255, as Pillow does with the pixels."""
    if image.mode == "L" and "transparency" in image.info:
        image.info["transparency"] *= 255 // (2**bits - 1)


def _check_tiff_is_whole(image: Image.Image, data: bytes, name: str) -> None:
    """Reports "truncated" where libtiff would report a decoding error."""
    tags = getattr(image, "tag_v2", {})
    for offsets, sizes in _TIFF_PLACES:
        ends = map(sum, zip(tags.get(offsets, ()), tags.get(sizes, ()), strict=False))
        if max(ends, default=0) > len(data):
            raise PictureError(name, "truncated")


def _pixels(
    image: Image.Image, metadata: dict, notes: Notes
) -> tuple[np.ndarray, np.ndarray | None]:
    """(`[H, W]` or `[H, W, 3]`, alpha `[H, W]` or None), uint8."""
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    if image.mode == "CMYK":
        image = _cmyk_to_rgb(image, metadata.pop("icc_profile", None), notes)
        has_alpha = False
    mode = ("L" if image.mode in _GREY_MODES else "RGB") + "A" * has_alpha
    if image.mode != mode:  # else it would be copied
        image = image.convert(mode)
    planes = np.array(image)
    if not has_alpha:
        return planes, None
    pixels = planes[..., 0] if mode == "LA" else planes[..., :3]
    return np.ascontiguousarray(pixels), np.ascontiguousarray(planes[..., -1])


def _cmyk_to_rgb(
    image: Image.Image, profile: bytes | None, notes: Notes
) -> Image.Image:
    if profile:
        with contextlib.suppress(Exception):  # Pillow raises many kinds of errors
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            if converted is not None:
                notes.lose("CMYK was converted to sRGB by its profile")
                return converted
    notes.lose("CMYK was converted to RGB without a profile")
    return image.convert("RGB")


def _deep_pixels(
    image: Image.Image, data: bytes
) -> tuple[np.ndarray, np.ndarray | None]:
    """(`[H, W]` or `[H, W, 3]`, alpha `[H, W]` or None), uint16."""
    import cv2

    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        raise ValueError("16 bits a channel that cannot be decoded")
    planes = decoded.reshape(*decoded.shape[:2], -1)
    is_grey = image.mode in _GREY_MODES
    if image.format == "PNG":
        is_grey = data[25] in (0, 4)
    pixels = planes[..., 0] if is_grey else planes[..., 2::-1]
    alpha = planes[..., 3] if planes.shape[2] == 4 else None
    tags = getattr(image, "tag_v2", {})
    if tags and tags.get(_TIFF_EXTRA, (0,))[0] not in (1, 2):
        alpha = None
    if tags and alpha is not None and tags[_TIFF_EXTRA][0] == 1:  # premultiplied
        straight = pixels * (65535.0 / np.maximum(alpha, 1)[..., None])
        pixels = np.minimum(np.round(straight), 65535).astype(np.uint16)
    transparency = image.info.get("transparency")
    if transparency is not None and alpha is None:
        matches = pixels == np.asarray(transparency)
        is_transparent = matches if is_grey else matches.all(axis=-1)
        alpha = np.where(is_transparent, 0, 65535).astype(np.uint16)
    return np.ascontiguousarray(pixels), alpha


# What `_upright` does, as quarter turns and then 4 for a flip of left and right.
_SYMMETRIES = {2: 4, 3: 2, 4: 6, 5: 7, 6: 3, 7: 5, 8: 1}


def _upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """An array `[H, W, ...]`, turned and mirrored as the EXIF orientation says."""
    if orientation in (2, 4, 5, 7):
        array = array[:, ::-1]
    quarter_turns = {3: 2, 4: 2, 5: 1, 6: -1, 7: -1, 8: 1}.get(orientation, 0)
    return np.ascontiguousarray(np.rot90(array, quarter_turns))


def _check_damage(picture: Picture, data: bytes, strict: bool, name: str) -> None:
    if picture.jpeg is None:
        return
    if {_TRUNCATED, _NO_END} & set(picture.warnings):
        picture.encoded = None
        return
    if damage := jpeg_damage(data):
        if strict:
            raise PictureError(name, f"damaged ({damage})")
        picture.warnings.append(f"the file is damaged ({damage})")
        picture.encoded = None
