"""Photoshop's image resources, as JPEG and TIFF files hold them; captions (IPTC)."""

_SIGNATURES = (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR")
IPTC = 0x0404
# Thumbnails, EXIF and XMP: stored elsewhere, too, and out of date after restoring.
_STALE = {0x0409, 0x040C, 0x0422, 0x0423, 0x0424}
_PATHS = range(2000, 2999)


def resource(number: int, content: bytes) -> bytes:
    """A resource without a name."""
    head = b"8BIM" + number.to_bytes(2, "big") + b"\0\0"
    return head + len(content).to_bytes(4, "big") + content + bytes(len(content) % 2)


def resources(data: bytes) -> list[tuple[int, bytes]]:
    """(number, bytes as stored) of each resource, up to the first broken one."""
    found, at = [], 0
    while data[at : at + 4] in _SIGNATURES and at + 7 <= len(data):
        name = at + 6
        length = name + (1 + data[name] + 1) // 2 * 2
        size = int.from_bytes(data[length : length + 4], "big")
        end = length + 4 + size + size % 2
        if length + 4 + size > len(data):
            break
        number = int.from_bytes(data[at + 4 : name], "big")
        found.append((number, data[at:end].ljust(end - at, b"\0")))
        at = end
    return found


def kept_resources(data: bytes, is_turned: bool) -> tuple[bytes, bool]:
    """(the resources that still hold, whether paths of turned pixels were dropped)."""
    found = resources(data)
    lost = is_turned and any(number in _PATHS for number, _ in found)
    return b"".join(
        stored
        for number, stored in found
        if number not in _STALE and not (is_turned and number in _PATHS)
    ), lost


def captions(data: bytes) -> bytes | None:
    """The IPTC data among resources."""
    for number, stored in resources(data):
        if number == IPTC:
            name = (1 + stored[6] + 1) // 2 * 2
            size = int.from_bytes(stored[6 + name : 10 + name], "big")
            return stored[10 + name : 10 + name + size]
    return None


def has_paths(data: bytes) -> bool:
    """Whether there are clipping paths."""
    return any(number in _PATHS for number, _ in resources(data))
