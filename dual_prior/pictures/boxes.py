"""Headers of AVIF, HEIC and JPEG XL files that Pillow does not expose."""

from collections.abc import Iterator

from dual_prior.pictures.picture import Notes

# Where a box stores, and in which bits of a byte, that a channel has more than 8 bits.
_DEPTHS = [(b"av1C", 6, 0x40), (b"hvcC", 21, 7)]
# Codes of colours that need no conversion: sRGB's, or unspecified.
_USUAL_PRIMARIES, _USUAL_TRANSFER = (1, 2), (1, 2, 6, 13)


def check_coding(data: bytes, notes: Notes) -> None:
    """Notes the depth and colours that Pillow drops when it decodes AVIF or HEIC."""
    for box, place, mask in _DEPTHS:
        at = data.find(box) + place
        if at >= place and data[at : at + 1] and data[at] & mask:
            notes.lose("more than 8 bits a channel were reduced to 8")
    at = data.find(b"colrnclx")
    if at >= 0 and b"colrprof" not in data and len(data) >= at + 12:
        primaries = int.from_bytes(data[at + 8 : at + 10], "big")
        transfer = int.from_bytes(data[at + 10 : at + 12], "big")
        if primaries not in _USUAL_PRIMARIES or transfer not in _USUAL_TRANSFER:
            notes.lose("its wide or high-dynamic-range colours were not converted")


def jpeg_xl_header(data: bytes) -> tuple[int, int, bool]:
    """(width, height, whether it is animated) of a JPEG XL file.

    Raises:
        ValueError: It has no such header.
    """
    bits = _Bits(_codestream(data))
    height, width = bits.size()
    if bits.take(1) or not bits.take(1):  # all by default, or no further fields
        return width, height, False
    bits.take(3)  # the orientation, which the decoder applies
    if bits.take(1):  # the size it is meant for
        bits.size()
    if bits.take(1):
        raise ValueError("a preview")
    return width, height, bool(bits.take(1))


def _codestream(data: bytes) -> bytes:
    for kind, start, _ in _boxes(data):
        if kind in (b"jxlc", b"jxlp"):
            data = data[start + 4 * (kind == b"jxlp") :][:64]
            break
    if data[:2] != b"\xff\x0a":
        raise ValueError("no codestream")
    return data[2:64]


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(kind, where the content begins, where it ends) of each box of a JPEG XL file."""
    at = 0
    while data[:2] != b"\xff\x0a" and at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        start = at + 8
        if size == 1:
            size, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        size = size or len(data) - at  # 0: up to the end
        yield kind, start, at + size
        if size < 8:
            break
        at += size


def read_jpeg_xl_boxes(data: bytes, info: dict, notes: Notes) -> None:
    """Adds the XMP packet of a JPEG XL file to the `info` that Pillow read."""
    for kind, start, end in _boxes(data):
        if kind == b"xml ":
            info["xmp"] = data[start:end]
        elif kind == b"brob" and data[start : start + 4] in (b"Exif", b"xml "):
            notes.lose("compressed metadata of a JPEG XL file were dropped")


class _Bits:
    """Bits of a codestream, the lowest of each byte first."""

    def __init__(self, data: bytes):
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise ValueError("the header is cut off")
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return taken

    def size(self) -> tuple[int, int]:
        """(height, width), as ISO 18181-1 codes them."""
        is_small = self.take(1)
        height = self._side(is_small)
        ratio = self.take(3)
        if not ratio:
            return height, self._side(is_small)
        ratios = [(1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1)]
        across, down = ratios[ratio - 1]
        return height, height * across // down

    def _side(self, is_small: int) -> int:
        if is_small:
            return 8 * (self.take(5) + 1)
        return self.take((9, 13, 18, 30)[self.take(2)]) + 1
