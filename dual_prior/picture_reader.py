"""From the bytes of a file to a `Picture`: content is sniffed, names are never trusted.

Whatever is wrong with a file ends in one `PictureError` that names it.
"""

import contextlib
import dataclasses
import io
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageFile, ImageOps

from dual_prior.jpeg_header import JpegHeader, read_jpeg_header
from dual_prior.metadata import read_metadata
from dual_prior.picture import Picture
from dual_prior.text import shown

_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP")
_GREY_MODES = {"1", "L", "LA", "La"}
_ALPHA_MODES = {"LA", "La", "PA", "RGBA", "RGBa"}
_UNSUPPORTED_MODES = {"I", "F"}

# What libjpeg warns of when coded data or markers are not as they should be. What else
# the strict decoder says is about its own limits: odd sampling factors, for instance.
_DAMAGE = (
    "Corrupt JPEG data",
    "Premature end of JPEG",
    "Inconsistent progression sequence",
    "Invalid SOS parameters",
    "Unknown Adobe color transform",
    "Warning:",
)
_BAD_PROFILE = "Corrupt JPEG data: bad ICC marker"  # told when profiles are looked at

_salvaging = threading.Lock()


class PictureError(OSError):
    """A picture cannot be read or written; the message names it and the reason."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """The most that is read: what is beyond is refused before pixels are decoded.

    All defaults are ours.
    """

    max_megapixels: float = 100
    max_file_megabytes: float = 64
    max_scans: int = 100


def read_picture(
    source: str | os.PathLike | bytes,
    limits: Limits = Limits(),
    strict: bool = False,
    salvage: bool = False,
    name: str | None = None,
) -> Picture:
    """Decodes a picture.

    Args:
        source: A file, or its bytes.
        limits: The most that is read.
        strict: Refuse JPEGs whose data are damaged, even if they can be decoded.
        salvage: Take what is there of a truncated file, with a warning.
        name: What errors call it; the path by default.

    Raises:
        PictureError: It is missing, no picture, damaged, too large, animated, or of a
            kind that is not read.
    """
    name = shown(name or ("bytes" if isinstance(source, bytes) else source))
    with _one_error(name):
        data = source
        if not isinstance(source, bytes):
            data = _read_file(Path(source), name, limits)
        if not data:
            raise PictureError(f"{name}: empty file")
        notes = []
        header = _checked_header(data, name, limits)
        if header is not None and _is_damaged(data):
            if strict:
                raise PictureError(f"{name}: the JPEG data are damaged")
            notes.append("the JPEG data are damaged")
        return _decode(data, header, name, limits, salvage, notes)


def _read_file(path: Path, name: str, limits: Limits) -> bytes:
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise PictureError(f"{name}: is a folder, not a picture")
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"{name}: is not a regular file")
    if status.st_size > limits.max_file_megabytes * 1e6:
        raise PictureError(
            f"{name}: larger than {limits.max_file_megabytes} MB; --max_file_size "
            "allows more"
        )
    return path.read_bytes()


def _checked_header(data: bytes, name: str, limits: Limits) -> JpegHeader | None:
    """What a JPEG says of itself, if it is one that can be decoded; None for others."""
    if data[:2] != b"\xff\xd8":
        return None
    try:
        header = read_jpeg_header(data)
    except ValueError as error:
        raise PictureError(f"{name}: {error}") from error
    kind = header.process.partition(",")[0]
    if kind in ("lossless", "hierarchical"):
        raise PictureError(f"{name}: {kind} JPEG is not supported")
    if header.precision != 8:
        raise PictureError(f"{name}: JPEG of {header.precision} bits is not supported")
    _check_size(header.width, header.height, name, limits)
    if header.num_scans > limits.max_scans:
        raise PictureError(
            f"{name}: more than {limits.max_scans} scans; --max_scans allows more"
        )
    return header


def _check_size(width: int, height: int, name: str, limits: Limits) -> None:
    if width * height > limits.max_megapixels * 1e6:
        raise PictureError(
            f"{name}: larger than {limits.max_megapixels} megapixels "
            f"({width}x{height}); --max_megapixels allows more"
        )


def _is_damaged(data: bytes) -> bool:
    """Whether libjpeg has something to say of the coded data that decoders conceal."""
    import simplejpeg

    try:
        # All is decoded but for the last step, which is done at an eighth.
        simplejpeg.decode_jpeg(data, "GRAY", min_factor=8, strict=True)
    except (ValueError, MemoryError) as error:
        message = str(error)
        return message.startswith(_DAMAGE) and message != _BAD_PROFILE
    return False


def _decode(
    data: bytes,
    header: JpegHeader | None,
    name: str,
    limits: Limits,
    salvage: bool,
    notes: list[str],
) -> Picture:
    with Image.open(io.BytesIO(data)) as image:
        if image.format not in _FORMATS:
            raise PictureError(f"{name}: {image.format} pictures are not supported")
        _check_size(image.width, image.height, name, limits)
        file_format = "JPEG" if image.format == "MPO" else image.format
        if getattr(image, "n_frames", 1) > 1:
            if image.format != "MPO":
                raise PictureError(f"{name}: animated or of several pages")
            notes.append("only the first of several pictures in the file is restored")
        is_deep = _is_deep(image, data)
        if image.mode in _UNSUPPORTED_MODES and not is_deep:
            raise PictureError(f"{name}: more than 16 bits a channel are not supported")
        if is_deep:
            pixels, alpha = _decode_deep(data, image, name)
        else:
            with _truncated_allowed(salvage, notes):
                image.load()
            pixels, alpha = _decode_shallow(image, notes)
        # Only now: it takes the orientation away from the picture.
        metadata = read_metadata(image, notes)
        if image.mode == "CMYK":
            metadata.pop("icc_profile", None)
    _drop_unfit_profile(pixels, metadata, notes)
    return Picture(pixels, alpha, file_format, header, metadata, tuple(notes))


@contextlib.contextmanager
def _truncated_allowed(salvage: bool, notes: list[str]) -> Iterator[None]:
    if not salvage:
        yield
        return
    # Pillow knows a switch for the whole process only.
    with _salvaging:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    notes.append("decoded as far as it goes (--salvage): parts may be missing")


def _decode_shallow(
    image: Image.Image, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels and alpha, uint8, the right way up."""
    with contextlib.suppress(Exception):  # broken EXIF data must not cost the picture
        image = ImageOps.exif_transpose(image)
    image = _to_grey_or_rgb(image, notes)
    if image.mode in ("LA", "RGBA"):
        return np.array(image.convert(image.mode[:-1])), np.array(image.getchannel("A"))
    return np.array(image), None


def _to_grey_or_rgb(image: Image.Image, notes: list[str]) -> Image.Image:
    """The picture in one of the modes L, LA, RGB and RGBA."""
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    if image.mode in _GREY_MODES:
        return image.convert("LA" if has_alpha else "L")
    if image.mode == "CMYK":
        return _cmyk_to_rgb(image, notes)
    return image.convert("RGBA" if has_alpha else "RGB")


def _cmyk_to_rgb(image: Image.Image, notes: list[str]) -> Image.Image:
    if profile := image.info.get("icc_profile"):
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            converted = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
            notes.append("CMYK was converted to sRGB by its profile")
            return converted
    notes.append("CMYK was converted to RGB without a profile")
    return image.convert("RGB")


def _is_deep(image: Image.Image, data: bytes) -> bool:
    """Whether a PNG or TIFF has 16 bits a channel; Pillow cuts colour to 8 silently."""
    if image.format == "PNG":
        return data[24] == 16
    bits = getattr(image, "tag_v2", {}).get(258, (8,))
    return set(bits) == {16} and image.mode != "F"


def _decode_deep(
    data: bytes, image: Image.Image, name: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels and alpha, uint16, the right way up."""
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise PictureError(f"{name}: damaged, or of a kind that is not supported")
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    # OpenCV's order of colours is blue, green, red.
    planes = pixels[..., [2, 1, 0]] if pixels.ndim == 3 else pixels
    alpha = pixels[..., 3] if pixels.ndim == 3 and pixels.shape[2] == 4 else None
    if alpha is not None and image.mode in ("LA", "La"):
        planes = pixels[..., 0]
    turned = _turned(image, planes, alpha)
    return tuple(None if part is None else np.array(part) for part in turned)


def _turned(image: Image.Image, *planes: np.ndarray | None) -> list[np.ndarray | None]:
    orientation = 1
    with contextlib.suppress(Exception):
        orientation = image.getexif().get(0x0112, 1)
    if image.format == "TIFF":  # OpenCV has turned it
        orientation = 1
    turn = {
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: np.rot90(p, -1),
        7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
        8: lambda p: np.rot90(p),
    }.get(orientation, lambda p: p)
    return [None if plane is None else turn(plane) for plane in planes]


def _drop_unfit_profile(pixels: np.ndarray, metadata: dict, notes: list[str]) -> None:
    """A profile stays only if it describes what the pixels are now."""
    if "icc_profile" not in metadata:
        return
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(metadata["icc_profile"]))
        space = profile.profile.xcolor_space.strip()
    except (ImageCms.PyCMSError, OSError):
        space = None
    if space != ("GRAY" if pixels.ndim == 2 else "RGB"):
        del metadata["icc_profile"]
        notes.append("the colour profile is damaged or does not fit and was dropped")


@contextlib.contextmanager
def _one_error(name: str) -> Iterator[None]:
    """Turns whatever is raised or warned of into one `PictureError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except PictureError:
        raise
    except Image.UnidentifiedImageError as error:
        raise PictureError(f"{name}: not a picture in a known format") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"{name}: larger than pictures may be") from error
    except MemoryError as error:
        raise PictureError(f"{name}: not enough memory to decode it") from error
    # Pillow's decoders raise nearly everything on broken data.
    except Exception as error:
        raise PictureError(f"{name}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    reason = " ".join(str(error).split()) or type(error).__name__
    if "truncated" in reason.lower():
        return "truncated; --salvage takes what is there"
    return f"truncated or damaged ({reason})"
