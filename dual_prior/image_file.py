"""Files in, files out: what people's pictures come as, and how results are kept.

Content is sniffed, names are never trusted. Whatever is wrong with a file ends in one
`ImageFileError` that names it.
"""

import contextlib
import dataclasses
import errno
import io
import os
import stat
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps

from dual_prior.atomic_file import atomic_file

MAX_PIXELS = 100_000_000  # ours

_GREY_MODES = {"1", "L", "LA", "La"}
_ALPHA_MODES = {"LA", "La", "PA", "RGBA", "RGBa"}
_DEEP_MODES = {"I", "F", "I;16", "I;16B", "I;16L", "I;16N"}

# The luminance table of quality 50 (JPEG standard, Annex K), row by row.
_BASE_TABLE = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)


class ImageFileError(OSError):
    """A picture cannot be read; the message names the file and the reason."""


@dataclasses.dataclass
class Picture:
    """A decoded picture, the right way up.

    Attributes:
        pixels: `[H, W]` (grey) or `[H, W, 3]` (red, green, blue), uint8.
        alpha: `[H, W]`, uint8, or None.
        format: What the file is, as Pillow names it: "JPEG", "PNG", ...
        quality: Estimated JPEG quality, or None for other formats.
        metadata: What a PNG carries over: `icc_profile`, `exif`, `dpi`.
        warnings: What could not be kept, a sentence each.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    format: str
    quality: int | None
    metadata: dict
    warnings: list[str]

    @property
    def is_grey(self) -> bool:
        """Whether there is one channel, alpha aside."""
        return self.pixels.ndim == 2


def read_picture(path: str | os.PathLike) -> Picture:
    """Decodes a picture file.

    Raises:
        ImageFileError: The file is missing, no picture, damaged, too large, animated,
            or of more than 8 bits a channel.
    """
    path = Path(path)
    _check_regular_file(path)
    with _one_error(path):
        _check_jpeg_frame(path)
    with _one_error(path), Image.open(path) as image:
        _check_supported(image, path)
        # Read off now: turning the picture upright makes another one, without them.
        file_format, tables = image.format, getattr(image, "quantization", None)
        notes = []
        if getattr(image, "n_frames", 1) > 1:
            notes.append("only the first of several pictures in the file is restored")
        image.load()
        metadata = _metadata(image)
        image = _upright(image, metadata, notes)
        image = _to_grey_or_rgb(image, metadata, notes)
        _drop_unfit_profile(image, metadata, notes)
        alpha = None
        if image.mode in ("LA", "RGBA"):
            alpha = np.array(image.getchannel("A"))
            image = image.convert(image.mode[:-1])
        return Picture(
            np.array(image),
            alpha,
            file_format,
            estimate_quality(tables[min(tables)]) if tables else None,
            metadata,
            notes,
        )


@contextlib.contextmanager
def png_file(path: str | os.PathLike) -> Iterator[Callable[[Picture], None]]:
    """A PNG file to be, complete or not there; folders are made as needed.

    Entering shows that it can be written, before any work is done.

    Yields:
        What writes a `Picture`, with its alpha and metadata. To be called once.

    Raises:
        ImageFileError: The file cannot be written.
    """
    path = Path(path)

    def write(picture: Picture) -> None:
        image = Image.fromarray(picture.pixels)
        if picture.alpha is not None:
            image.putalpha(Image.fromarray(picture.alpha))
        image.save(file, "PNG", **picture.metadata)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not path.is_file():
            raise OSError("not a regular file")  # renaming would replace a device
        with atomic_file(path) as file:
            yield write
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ImageFileError(f"{path}: cannot be written ({reason})") from error


def estimate_quality(table) -> int:
    """The libjpeg quality whose luminance table is the nearest to `table`.

    Args:
        table: 64 quantization steps in the order of rows.

    Returns:
        1 to 100; exact for the tables that libjpeg writes.
    """
    qualities = np.arange(1, 101)
    scale = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)
    tables = np.clip((_BASE_TABLE * scale[:, None] + 50) // 100, 1, 255)
    # The steps span two orders of magnitude: compare their ratios.
    distances = np.abs(np.log(tables / np.asarray(table))).sum(axis=1)
    return int(qualities[np.argmin(distances)])


def _check_regular_file(path: Path) -> None:
    try:
        status = path.stat()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise ImageFileError(f"{path}: {reason}") from error
    if stat.S_ISDIR(status.st_mode):
        raise ImageFileError(f"{path}: is a folder, not a picture")
    if not stat.S_ISREG(status.st_mode):
        raise ImageFileError(f"{path}: is not a regular file")
    if status.st_size == 0:
        raise ImageFileError(f"{path}: empty file")


@contextlib.contextmanager
def _one_error(path: Path) -> Iterator[None]:
    """Turns whatever Pillow raises or warns of into one `ImageFileError`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ImageFileError:
        raise
    except Image.UnidentifiedImageError as error:
        raise ImageFileError(f"{path}: {_what_it_is(path)}") from error
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except MemoryError as error:
        raise ImageFileError(f"{path}: not enough memory to decode it") from error
    # Pillow's decoders raise nearly everything on broken data.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, OSError) and error.strerror:
            reason = error.strerror.lower()
        if "truncated" in reason.lower():
            reason = "truncated"
        elif not isinstance(error, PermissionError):
            reason = f"truncated or damaged ({reason})"
        raise ImageFileError(f"{path}: {reason}") from error


def _what_it_is(path: Path) -> str:
    with open(path, "rb") as file:
        starts_like_jpeg = file.read(2) == b"\xff\xd8"
    if starts_like_jpeg:
        return "truncated or damaged JPEG"
    return "not a picture in a known format"


def _too_large(path: Path) -> ImageFileError:
    return ImageFileError(
        f"{path}: larger than {MAX_PIXELS // 1_000_000} megapixels, the most that is "
        "decoded"
    )


def _check_jpeg_frame(path: Path) -> None:
    """Names the JPEG processes that libjpeg does not decode, instead of "damaged"."""
    with open(path, "rb") as file:
        if file.read(2) != b"\xff\xd8":
            return
        while (marker := file.read(2))[:1] == b"\xff" and len(marker) == 2:
            length = int.from_bytes(file.read(2), "big")
            # Frame headers are C0 to CF, but for C4, C8 and CC.
            if 0xC0 <= marker[1] <= 0xCF and marker[1] not in (0xC4, 0xC8, 0xCC):
                precision = file.read(1)
                if marker[1] in (0xC3, 0xC7, 0xCB, 0xCF):
                    raise ImageFileError(f"{path}: lossless JPEG is not supported")
                if precision == b"\x0c":
                    raise ImageFileError(f"{path}: JPEG of 12 bits is not supported")
                return
            file.seek(length - 2, os.SEEK_CUR)


def _check_supported(image: Image.Image, path: Path) -> None:
    """From the header alone, before pixels are decoded."""
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(path)
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ImageFileError(f"{path}: animated or of several pages")
    tiff_bits = getattr(image, "tag_v2", {}).get(258, (8,))
    if image.mode in _DEEP_MODES or _is_deep_png(path) or max(tiff_bits) > 8:
        raise ImageFileError(f"{path}: more than 8 bits a channel are not supported")


def _is_deep_png(path: Path) -> bool:
    # Pillow cuts 16-bit colour, here and in TIFF, to 8 bits without a word.
    with open(path, "rb") as file:
        header = file.read(25)
    return header[:8] == b"\x89PNG\r\n\x1a\n" and header[24:] == b"\x10"


def _metadata(image: Image.Image) -> dict:
    metadata = {}
    if profile := image.info.get("icc_profile"):
        metadata["icc_profile"] = profile
    dpi = image.info.get("dpi", ())
    # Files say 0 and infinity, too.
    if len(dpi) == 2 and all(1 <= value <= 1e6 for value in dpi):
        metadata["dpi"] = dpi
    return metadata


def _upright(image: Image.Image, metadata: dict, notes: list[str]) -> Image.Image:
    """Turns the pixels as the EXIF orientation says, and keeps EXIF without it."""
    try:
        image = ImageOps.exif_transpose(image)
        exif = image.getexif()
        exif.pop(0x0112, None)  # the orientation, if it was an invalid one
        if exif:
            metadata["exif"] = exif.tobytes()
    except Exception:  # broken EXIF data must not cost the picture
        notes.append("the EXIF data are damaged and were dropped")
    return image


def _to_grey_or_rgb(
    image: Image.Image, metadata: dict, notes: list[str]
) -> Image.Image:
    """The picture in one of the modes L, LA, RGB and RGBA."""
    has_alpha = image.mode in _ALPHA_MODES or "transparency" in image.info
    if image.mode in _GREY_MODES:
        return image.convert("LA" if has_alpha else "L")
    if image.mode == "CMYK":
        return _cmyk_to_rgb(image, metadata.pop("icc_profile", None), notes)
    return image.convert("RGBA" if has_alpha else "RGB")


def _cmyk_to_rgb(
    image: Image.Image, profile: bytes | None, notes: list[str]
) -> Image.Image:
    if profile:
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


def _drop_unfit_profile(image: Image.Image, metadata: dict, notes: list[str]) -> None:
    """A profile stays only if it describes what `image` is now."""
    if "icc_profile" not in metadata:
        return
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(metadata["icc_profile"]))
        space = profile.profile.xcolor_space.strip()
    except (ImageCms.PyCMSError, OSError):
        space = None
    if space != ("GRAY" if image.mode in _GREY_MODES else "RGB"):
        del metadata["icc_profile"]
        notes.append("the colour profile is damaged or does not fit and was dropped")
