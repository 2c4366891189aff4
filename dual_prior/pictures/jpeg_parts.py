"""Parts of a JPEG file that Pillow does not carry: segments, and data after the end.

A motion photo's film, a gain map (Ultra HDR), depth or a second picture stand after the
end of the picture, and are described in XMP and in an index, MPF (CIPA DC-007). They
are carried into a JPEG result byte for byte; only the index is written anew.
"""

import struct

from dual_prior.jpeg.header import COMMENT, EOI, Segment, segments
from dual_prior.pictures import xmp
from dual_prior.pictures.exif import ExifBlock
from dual_prior.pictures.photoshop import kept_resources
from dual_prior.pictures.picture import Notes

XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED = b"http://ns.adobe.com/xmp/extension/\0"
_PHOTOSHOP = b"Photoshop 3.0\0"
_PROFILE = b"ICC_PROFILE\0"
_MPF = b"MPF\0"
_GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"
# Private to encoders, or read by other modules.
_UNDERSTOOD = [
    *((0xE0, b"JFIF\0"), (0xE0, b"JFXX\0"), (0xE1, b"Exif\0"), (0xE1, XMP_HEADER)),
    *((0xE1, _EXTENDED), (0xE2, _PROFILE), (0xE2, _MPF), (0xEC, b"Ducky")),
    *((0xED, _PHOTOSHOP), (0xEE, b"Adobe")),
]
_SIGNED = (0xEB, b"JP")  # content credentials (C2PA) of the old pixels
MAX_BODY = 65533  # bytes of a segment
_ENTRIES, _ENTRY_SIZE = 0xB002, 16


def read_parts(data: bytes, is_turned: bool, notes: Notes) -> dict:
    """What to carry into a JPEG result, as in `Picture.metadata`.

    Args:
        data: The file.
        is_turned: Whether the pixels are turned: other pictures do not fit then.
        notes: Takes a sentence for each part that is dropped.

    Returns:
        Where there are such: `photoshop`, `extended_xmp`, `segments` (as stored),
        `trailer` (what follows the picture), `mpf` (the index, see `_index`).
    """
    found = [s for s in segments(data) if s.end <= len(data)]
    parts: dict = {}
    bodies = [(s, s.body(data)) for s in found if 0xE0 <= s.marker <= 0xEF]
    photoshop = b"".join(
        body.removeprefix(_PHOTOSHOP) for s, body in bodies if _is(s, body, _PHOTOSHOP)
    )
    photoshop, lost_paths = kept_resources(photoshop, is_turned)
    if lost_paths:
        notes.lose("the clipping paths were dropped: the picture was turned")
    if photoshop:
        parts["photoshop"] = photoshop
    if extended := _extended(bodies):
        parts["extended_xmp"] = extended
    # Pillow carries the last comment.
    comments = [s for s in found if s.marker == COMMENT]
    kept = [data[s.start : s.end] for s in comments[:-1]]
    for segment, body in bodies:
        if segment.marker == _SIGNED[0] and body.startswith(_SIGNED[1]):
            notes.lose("the content credentials (C2PA) of the old pixels were dropped")
        elif not any(
            segment.marker == marker and body.startswith(start)
            for marker, start in _UNDERSTOOD
        ):
            kept.append(data[segment.start : segment.end])
    trailer = b""
    if found and found[-1].marker == EOI:
        end = found[-1].end
        trailer = data[end:]
        index = next(((s, b) for s, b in bodies if _is(s, b, _MPF)), None)
        if index and not is_turned and trailer.strip(b"\0"):
            segment, body = index
            start = segment.start + 4 + len(_MPF)
            try:
                parts["mpf"] = _index(body, start - end, len(trailer))
            except (ValueError, struct.error):
                notes.lose("the index of the other pictures is damaged: dropped")
    if trailer.strip(b"\0"):
        parts["trailer"] = trailer
    if kept:
        parts["segments"] = kept
    return parts


def odd_profile(data: bytes) -> bytes:
    """The colour profile of a JPEG file whose parts are numbered oddly ("0 of 0")."""
    head = len(_PROFILE)
    bodies = [s.body(data) for s in segments(data) if s.end <= len(data)]
    parts = [body for body in bodies if body.startswith(_PROFILE)]
    return b"".join(body[head + 2 :] for body in parts)


def fitted(metadata: dict, change: str | None, notes: Notes) -> None:
    """Makes the data after the picture and its description in XMP agree.

    Args:
        metadata: As in `Picture`.
        change: What was done to the pixels, "turned" or "cropped", after which no other
            picture fits; or None.
        notes: Takes a sentence for each part that is dropped.
    """
    if change:
        metadata.pop("mpf", None)
    if (change or "trailer" not in metadata) and (kept := metadata.get("segments")):
        metadata["segments"] = [s for s in kept if _GAIN_MAP not in s[:60]]
    packet = metadata.get("xmp", b"")
    trailer = metadata.get("trailer", b"")
    length = xmp.film_length(packet)
    if change and trailer:
        film = trailer[-length:] if 0 < length < len(trailer) else b""
        film = trailer if length == len(trailer) else film
        if film != trailer:
            what = (
                "the gain map (Ultra HDR) was"
                if xmp.has_gain_map(packet)
                else "other pictures in the file were"
            )
            notes.lose(f"{what} dropped: the picture was {change}")
        trailer = film
        metadata["trailer"] = film
        if not film:
            del metadata["trailer"]
    if not packet:
        return
    if not trailer or length > len(trailer):
        if xmp.has_gain_map(packet) and not change:
            notes.warn("the gain map (Ultra HDR) was dropped: it is not in the file")
        if length:
            notes.warn("the motion photo has no film: its description was dropped")
        packet = xmp.without_film(packet)
    elif change:
        packet = xmp.without_gain_map(packet)
    metadata["xmp"] = xmp.of_another_length(packet)


def followers(metadata: dict) -> str | None:
    """A name for the data after the picture; None if there are none."""
    packet = metadata.get("xmp", b"")
    trailer = metadata.get("trailer")
    if not trailer:
        return None
    words = []
    if xmp.has_gain_map(packet):
        words.append("the gain map (Ultra HDR)")
    if xmp.film_length(packet):
        words.append("the film (motion photo)")
    if not words and "mpf" in metadata:
        words.append("the other pictures in the file")
    return " and ".join(words) or f"what follows the picture ({len(trailer):,} bytes)"


def with_parts(jpeg: bytes, metadata: dict) -> bytes:
    """A JPEG file with what `read_parts` found in another one."""
    added = []
    if extended := metadata.get("extended_xmp"):
        added += _extended_segments(extended)
    photoshop = metadata.get("photoshop", b"")
    room = MAX_BODY - len(_PHOTOSHOP)
    for start in range(0, len(photoshop), room):
        part = photoshop[start : start + room]
        added.append(_segment(0xED, _PHOTOSHOP + part))
    added += metadata.get("segments", [])
    mpf = metadata.get("mpf")
    if mpf:
        added.append(_segment(0xE2, _MPF + mpf))
    at = _end_of_application_segments(jpeg)
    result = b"".join([jpeg[:at], *added, jpeg[at:]])
    if mpf:
        start = at + sum(map(len, added)) - len(mpf)
        index = _placed(mpf, len(result), start)
        result = result[:start] + index + result[start + len(mpf) :]
    return result + metadata.get("trailer", b"")


def _is(segment: Segment, body: bytes, start: bytes) -> bool:
    return body.startswith(start) and (segment.marker, start) in _UNDERSTOOD


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def _end_of_application_segments(jpeg: bytes) -> int:
    for segment in segments(jpeg):
        if not 0xE0 <= segment.marker <= 0xEF and segment.marker != COMMENT:
            return segment.start
    return 2


def _extended(bodies: list[tuple[Segment, bytes]]) -> bytes:
    """The extended XMP packet, empty if a part of it is missing."""
    parts: dict[int, bytes] = {}
    total = 0
    for segment, body in bodies:
        if _is(segment, body, _EXTENDED) and len(body) > len(_EXTENDED) + 40:
            at = len(_EXTENDED) + 32  # behind the digest
            total, offset = struct.unpack_from(">LL", body, at)
            parts[offset] = body[at + 8 :]
    joined = b"".join(parts[offset] for offset in sorted(parts))
    return joined if len(joined) == total else b""


def _extended_segments(extended: bytes) -> list[bytes]:
    digest = xmp.digest(extended).encode()
    room = MAX_BODY - len(_EXTENDED) - 40
    return [
        _segment(
            0xE1,
            _EXTENDED
            + digest
            + struct.pack(">LL", len(extended), start)
            + extended[start : start + room],
        )
        for start in range(0, len(extended), room)
    ]


def _index(body: bytes, start: int, length: int) -> bytes:
    """An MPF index whose offsets count from the end of the picture.

    Args:
        body: Of the segment.
        start: Where the index's own header begins, counted from there: negative.
        length: Of what follows the picture.

    Raises:
        ValueError: It points outside of the data after the picture.
    """
    block = ExifBlock(body.removeprefix(_MPF))
    for at in _entries(block)[1:]:
        (offset,) = struct.unpack_from(f"{block.order}L", block.data, at + 8)
        if not 0 <= offset + start < length:
            raise ValueError("the index points outside of the file")
        struct.pack_into(f"{block.order}L", block.data, at + 8, offset + start)
    return bytes(block.data)


def _placed(index: bytes, size: int, start: int) -> bytes:
    """The index of a picture of `size` bytes in which it begins at `start`."""
    block = ExifBlock(index)
    first, *others = _entries(block)
    struct.pack_into(f"{block.order}LL", block.data, first + 4, size, 0)
    for at in others:
        (offset,) = struct.unpack_from(f"{block.order}L", block.data, at + 8)
        struct.pack_into(f"{block.order}L", block.data, at + 8, offset + size - start)
    return bytes(block.data)


def _entries(block: ExifBlock) -> list[int]:
    """Where the index's entries are, the picture itself first."""
    entry = block.find(_ENTRIES)
    if entry is None or not block.is_sound(entry) or entry.size < _ENTRY_SIZE:
        raise ValueError("an index without entries")
    start = block.place(entry)
    return list(range(start, start + entry.size - _ENTRY_SIZE + 1, _ENTRY_SIZE))
