"""What a file is, by its first bytes: names are never trusted."""

from collections.abc import Callable

from PIL import (
    BmpImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from dual_prior.pictures.errors import PictureError


def _avif():
    from PIL import AvifImagePlugin, features

    if not features.check("avif"):
        raise ImportError("a newer Pillow")
    return AvifImagePlugin.AvifImageFile


def _heic():
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise ImportError("pip install dual-prior[heic]") from None
    return HeifImageFile


def _jpeg_xl():
    try:
        from pillow_jxl.JpegXLImagePlugin import JXLImageFile
    except ImportError:
        raise ImportError("pip install dual-prior[jxl]") from None
    return JXLImageFile


# Pillow's readers by themselves: `Image.open` has a limit of its own, a global one.
_READERS = [
    (b"\xff\xd8", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"RIFF....WEBP", WebPImagePlugin.WebPImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"II+\0", TiffImagePlugin.TiffImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
]
# Files of boxes (ISO base media), by their brands.
_BRANDS: list[tuple[set[bytes], str, Callable]] = [
    ({b"avif", b"avis"}, "AVIF", _avif),
    ({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}, "HEIC", _heic),
]
_CANON_RAW = b"II*\0\x10\0\0\0CR"
_JPEG_XL = (b"\0\0\0\x0cJXL ", b"\xff\x0a")
_REFUSED = [
    (b"GIF8", "GIF"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"MM\0+", "BigTIFF, the highest byte first,"),
    (b"\0\0\1\0", "ICO"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"....ftypcrx ", "a camera's raw file (Canon)"),
    (b"FUJIFILMCCD-RAW", "a camera's raw file (Fujifilm)"),
    (b"IIU\0", "a camera's raw file (Panasonic)"),
    (b"IIR", "a camera's raw file (Olympus)"),
    (b"FOVb", "a camera's raw file (Sigma)"),
]


def reader_of(data: bytes, name: str):
    """Pillow's reader for a file of these bytes.

    Raises:
        PictureError: They are not the start of a supported picture, or the package
            that reads it is not installed.
    """
    if data.startswith(_CANON_RAW):  # which begins like TIFF, too
        raise PictureError(name, "a camera's raw file (CR2) is not supported")
    for signature, reader in _READERS:
        if _begins(data, signature):
            return reader
    for kind, load in _optional(data):
        try:
            return load()
        except ImportError as error:
            reason = f"{kind} is not supported without another package ({error})"
            raise PictureError(name, reason) from error
    for signature, kind in _REFUSED:
        if _begins(data, signature):
            raise PictureError(name, f"{kind} is not supported")
    raise PictureError(name, "not a picture in a known format")


def _optional(data: bytes) -> list[tuple[str, Callable]]:
    if data.startswith(_JPEG_XL):
        return [("JPEG XL", _jpeg_xl)]
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), 256)
    brands = {data[at : at + 4] for at in range(8, end, 4)}
    return [(kind, load) for known, kind, load in _BRANDS if brands & known][:1]


def _begins(data: bytes, signature: bytes) -> bool:
    """Whether `data` begins with `signature`, where a dot stands for any byte."""
    start = data[: len(signature)]
    return len(start) == len(signature) and all(
        expected in (byte, ord("."))
        for byte, expected in zip(start, signature, strict=True)
    )
