"""What a file is, by its first bytes: names are never trusted."""

from PIL import (
    BmpImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from dual_prior.pictures.errors import PictureError

# Pillow's readers by themselves: `Image.open` has a limit of its own, a global one.
_READERS = [
    (b"\xff\xd8", JpegImagePlugin.JpegImageFile),
    (b"\x89PNG\r\n\x1a\n", PngImagePlugin.PngImageFile),
    (b"RIFF....WEBP", WebPImagePlugin.WebPImageFile),
    (b"II*\0", TiffImagePlugin.TiffImageFile),
    (b"MM\0*", TiffImagePlugin.TiffImageFile),
    (b"BM", BmpImagePlugin.BmpImageFile),
]


_REFUSED = [
    (b"GIF8", "GIF"),
    (b"....ftypavi", "AVIF"),
    (b"....ftyphei", "HEIC"),
    (b"....ftyphev", "HEIC"),
    (b"....ftypmif1", "HEIF"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop (PSD)"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"\0\0\1\0", "ICO"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
]


def reader_of(data: bytes, name: str):
    """Pillow's reader for a file of these bytes.

    Raises:
        PictureError: They begin as no picture does that is read.
    """
    for signature, reader in _READERS:
        if _begins(data, signature):
            return reader
    for signature, kind in _REFUSED:
        if _begins(data, signature):
            raise PictureError(name, f"{kind} is not supported")
    raise PictureError(name, "not a picture in a known format")


def _begins(data: bytes, signature: bytes) -> bool:
    """Whether `data` begins with `signature`, where a dot stands for any byte."""
    start = data[: len(signature)]
    return len(start) == len(signature) and all(
        expected in (byte, ord("."))
        for byte, expected in zip(start, signature, strict=True)
    )
