"""The parts of a PNG file."""

import zlib
from collections.abc import Iterator

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Adam7: where each pass begins, and its steps (x, y, across, down).
_PASSES = [
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
]
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_WANTED_TEXTS = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0")
# Colour chunks other than profiles.
COLOUR_CHUNKS = (b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI")
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum; `kind` is its name, as `b"IHDR"`."""
    checksum = zlib.crc32(kind + body).to_bytes(4, "big")
    return len(body).to_bytes(4, "big") + kind + body + checksum


def deep_png(pixels: np.ndarray) -> bytes | memoryview:
    """A PNG file of 16 bits a channel, which Pillow does not write in colour.

    Args:
        pixels: `[H, W, C]`, uint16, C from 1 (grey) to 4 (red, green, blue, alpha).
    """
    channels = pixels.shape[2]
    if channels != 2:
        import cv2

        codes = {3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}
        bgr = cv2.cvtColor(pixels, codes[channels]) if channels > 1 else pixels
        return cv2.imencode(".png", bgr)[1].data
    # Grey with alpha, which OpenCV does not write: type 4, lines that are not filtered.
    height, width = (side.to_bytes(4, "big") for side in pixels.shape[:2])
    lines = pixels.astype(">u2").reshape(len(pixels), -1).view(np.uint8)
    body = zlib.compress(np.pad(lines, ((0, 0), (1, 0))).tobytes())
    chunks = [
        chunk(b"IHDR", width + height + bytes([16, 4, 0, 0, 0])),
        chunk(b"IDAT", body),
        chunk(b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(chunks)


def with_metadata(png: bytes | memoryview, metadata: dict) -> bytes:
    """A PNG file with `metadata` (as in `Picture`) put behind its header."""
    chunks = []
    if profile := metadata.get("icc_profile"):
        chunks.append(chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile)))
    if dpi := metadata.get("dpi"):
        per_metre = [round(value / 0.0254).to_bytes(4, "big") for value in dpi]
        chunks.append(chunk(b"pHYs", b"".join(per_metre) + b"\1"))
    if exif := metadata.get("exif"):
        chunks.append(chunk(b"eXIf", exif.removeprefix(b"Exif\0\0")))
    if xmp := metadata.get("xmp"):
        chunks.append(chunk(b"iTXt", b"XML:com.adobe.xmp" + b"\0" * 5 + xmp))
    chunks += [chunk(*kept) for kept in metadata.get("png_chunks", [])]
    end_of_header = len(_SIGNATURE) + 25
    return b"".join([png[:end_of_header], *chunks, png[end_of_header:]])


def kept_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, body) of the text and colour chunks of a PNG file."""
    found = []
    has_profile = False
    for kind, start, end in _places(data):
        body = data[start + 8 : end - 4]
        has_profile |= kind in (b"iCCP", b"sRGB")
        is_text = kind in _TEXTS and not body.startswith(_WANTED_TEXTS)
        if end <= len(data) and (is_text or kind in COLOUR_CHUNKS):
            found.append((kind, body))
    # Both override the older two.
    older = (b"gAMA", b"cHRM") if has_profile else ()
    return [kept for kept in found if kept[0] not in older]


def text_chunk(keyword: str, text: bytes) -> tuple[bytes, bytes]:
    """(kind, body) of a text in UTF-8, or else in Latin-1."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return b"tEXt", keyword.encode() + b"\0" + text.replace(b"\0", b" ")
    return b"iTXt", keyword.encode() + b"\0" * 5 + text.replace(b"\0", b" ")


def without_texts(data: bytes) -> bytes:
    """A PNG file without the texts that Pillow would mistake for other chunks.

    Pillow keeps both in one dictionary, a text under the name that its author chose.
    """
    kept, kept_to = [], 0
    for kind, start, end in _places(data):
        is_text = kind in _TEXTS and end <= len(data)
        if is_text and not data.startswith(_WANTED_TEXTS, start + 8):
            kept.append(data[kept_to:start])
            kept_to = end
    return b"".join([*kept, data[kept_to:]]) if kept else data


def completed_png(data: bytes) -> bytes:
    """A cut-off PNG file with zeros for the pixels that are missing.

    Raises:
        ValueError: The header or all pixels are missing.
    """
    kept, parts = [], []
    for kind, body in _chunks(data):
        if kind == b"IDAT":
            parts.append(body)
        elif not parts and kind != b"IEND":
            kept.append((kind, body))
    if not kept or kept[0][0] != b"IHDR" or len(kept[0][1]) != 13:
        raise ValueError("the header is missing")
    size = _raw_size(kept[0][1])
    # With a size of 0, zlib would decompress without end.
    raw = size and zlib.decompressobj().decompress(b"".join(parts), size)
    if not raw:
        raise ValueError("no pixels are left")
    raw = raw.ljust(size, b"\0")
    chunks = [*kept, (b"IDAT", zlib.compress(raw, 1)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(chunk(kind, body) for kind, body in chunks)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every complete chunk, and incomplete ones of pixels; ignores checksums."""
    for kind, start, end in _places(data):
        is_complete = end - 4 <= len(data)  # but for the checksum maybe
        if is_complete or kind == b"IDAT":
            yield kind, data[start + 8 : end - 4]


def _places(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Every chunk's kind, start and end; of a cut-off one, where it would end."""
    start = len(_SIGNATURE)
    while start + 8 <= len(data):
        end = start + 12 + int.from_bytes(data[start : start + 4], "big")
        yield data[start + 4 : start + 8], start, end
        start = end


def _raw_size(header: bytes) -> int:
    """Bytes of the filtered lines, of which each begins with its filter."""
    width, height = (int.from_bytes(header[at : at + 4], "big") for at in (0, 4))
    bits = header[8] * _CHANNELS.get(header[9], 1)
    passes = _PASSES if header[12] else [(0, 0, 1, 1)]
    size = 0
    for left, top, across, down in passes:
        columns = max(0, -(-(width - left) // across))
        rows = max(0, -(-(height - top) // down))
        size += rows * (1 + -(-columns * bits // 8)) if columns else 0
    return size
