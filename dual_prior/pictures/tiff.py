"""TIFF files: which of their pictures counts, their EXIF data, and writing them.

Pillow does not write 16 bits in colour. tifffile does not write EXIF directories, which
must also keep their place. So the writer is ours.
"""

import struct
import zlib
from fractions import Fraction
from itertools import accumulate

import numpy as np

from dual_prior.pictures.exif import (
    EXIF,
    GPS,
    INTEROPERABILITY,
    LONG,
    MAKER_NOTE,
    PROCESSING_SOFTWARE,
    RATIONAL,
    RESOLUTION_UNIT,
    SHORT,
    UNDEFINED,
    X_RESOLUTION,
    Y_RESOLUTION,
    ExifBlock,
    Tag,
    directory,
    new_block,
)
from dual_prior.pictures.photoshop import captions

XMP, CAPTIONS, PHOTOSHOP, PROFILE = 700, 33723, 34377, 34675
# Among the tags that say how the pixels are stored, these are about the picture.
DESCRIPTIVE = {
    PROCESSING_SOFTWARE,
    *(0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C),
    *(0x4746, 0x4749, 0x8298, 0xC4A5, EXIF, GPS),
    *range(0x9C9B, 0x9CA0),  # Windows' title, comment, author, keywords, subject
}
_KIND, _OLD_KIND, _PHOTOMETRIC, _PARTS, _DNG = 254, 255, 262, 330, 50706
_REDUCED_OR_MASK = 1 | 4  # bits of the kind
_RAW = (32803, 34892)  # the sensor's colours, not a picture's
_MAX_PAGES = 1000  # ours
_MAX_EXIF = 16_000_000  # ours, bytes
_MAX_NOTE_PLACE = 60_000  # ours: beyond, EXIF data would be too long for JPEG
_ROWS = 64  # ours, of a strip


def pages(data: bytes) -> list[int]:
    """Where the directories of a TIFF file's full pictures are.

    Those of thumbnails, smaller versions and masks do not count. A pointer that leads
    nowhere ends the list.

    Raises:
        ValueError: It has no directory at all.
        NotImplementedError: It is a camera's raw file.
    """
    block = ExifBlock(data)
    if block.find(_DNG) is not None:
        raise NotImplementedError("DNG (camera raw)")
    chain: list[int] = []
    at = block.first
    while at and at not in chain and len(chain) < _MAX_PAGES:
        try:
            block.entries(at)
        except ValueError:
            break
        chain.append(at)
        at = block.following(at)
    parts = [p for d in chain for p in block.integers(block.find(_PARTS, d))]
    parts = [part for part in parts if 8 <= part < len(data) - 2]
    for at in [*chain, *parts]:
        if block.integers(block.find(_PHOTOMETRIC, at))[:1] in [(n,) for n in _RAW]:
            raise NotImplementedError("a camera's raw file")

    def is_full(at: int) -> bool:
        kind = block.integers(block.find(_KIND, at))[:1] or (0,)
        old_kind = block.integers(block.find(_OLD_KIND, at))[:1]
        return not kind[0] & _REDUCED_OR_MASK and old_kind != (2,)

    full = [at for at in chain if is_full(at)]
    return full or [part for part in parts if is_full(part)][:1] or chain[:1]


def single_page(data: bytes, at: int) -> bytes:
    """The file with the picture whose directory is at a place as its only one."""
    block = ExifBlock(data)
    if block.first == at and not block.following(at):
        return data
    end = at + 2 + 12 * len(block.entries(at))
    changed = bytearray(data)
    struct.pack_into(f"{block.order}L", changed, 4, at)
    changed[end : end + 4] = bytes(4)
    return bytes(changed)


def exif_of_tiff(data: bytes) -> tuple[ExifBlock | None, list[int]]:
    """(the EXIF data of a TIFF file without its pixels, the damaged tags left out).

    The camera's notes stay where they were, if that is not too far.
    """
    source = ExifBlock(data)
    order = source.order
    removed: list[int] = []

    size = 0

    def copied(at: int, wanted: set[int] | None = None) -> list[Tag]:
        nonlocal size
        found = []
        for entry in source.entries(at):
            if wanted is not None and entry.tag not in wanted:
                continue
            # Many tags may point to the same bytes.
            size += entry.size
            if source.is_sound(entry) and size <= _MAX_EXIF:
                found.append(Tag(entry.tag, entry.type, source.value(entry)))
            else:
                removed.append(entry.tag)
        return found

    places = source.pointers()
    body = bytearray(new_block(order).data[:8])
    records = {}

    def appended(tags: list[Tag], records: dict[int, bytes] | None = None) -> Tag:
        body.extend(bytes(len(body) % 2))
        start = len(body)
        body.extend(directory(tags, order, start, records or {}))
        return Tag(0, LONG, struct.pack(f"{order}L", start))

    tags = [t for t in copied(source.first, DESCRIPTIVE) if t.tag not in (EXIF, GPS)]
    if EXIF in places:
        camera = copied(places[EXIF])
        note = source.find(MAKER_NOTE, places[EXIF])
        if note and source.is_sound(note) and note.size > 4:
            place = source.place(note)
            if 8 <= place <= _MAX_NOTE_PLACE:
                body.extend(bytes(place - len(body)) + source.value(note))
                records[MAKER_NOTE] = bytes(source.data[note.at : note.at + 12])
        apart = {INTEROPERABILITY, *records}
        camera = [tag for tag in camera if tag.tag not in apart]
        if INTEROPERABILITY in places:
            pointer = appended(copied(places[INTEROPERABILITY]))
            camera.append(pointer._replace(tag=INTEROPERABILITY))
        tags.append(appended(camera, records)._replace(tag=EXIF))
    if GPS in places:
        tags.append(appended(copied(places[GPS]))._replace(tag=GPS))
    if not tags:
        return None, removed
    first = appended(tags)
    body[4:8] = first.value
    return ExifBlock(bytes(body)), removed


def encode_tiff(planes: np.ndarray, metadata: dict) -> bytes:
    """A TIFF file of any depth, compressed without loss.

    It begins with the unchanged EXIF data, since maker notes count from the start.

    Args:
        planes: `[H, W, C]`, uint8 or uint16, C from 1 (grey) to 4 (with alpha).
        metadata: As in `Picture`.
    """
    height, width, channels = planes.shape
    block = ExifBlock(metadata["exif"]) if "exif" in metadata else new_block()
    order = block.order

    def tag(number: int, kind: int, *values: int) -> Tag:
        code = {SHORT: "H", LONG: "L", RATIONAL: "L"}[kind]
        return Tag(number, kind, struct.pack(f"{order}{len(values)}{code}", *values))

    strips = [
        _strip(planes[top : top + _ROWS], order) for top in range(0, height, _ROWS)
    ]
    sizes = [len(strip) for strip in strips]
    tags = [
        tag(256, LONG, width),
        tag(257, LONG, height),
        tag(258, SHORT, *[8 * planes.dtype.itemsize] * channels),
        tag(259, SHORT, 8),  # Deflate
        tag(_PHOTOMETRIC, SHORT, 1 if channels < 3 else 2),
        tag(277, SHORT, channels),
        tag(278, LONG, _ROWS),
        tag(279, LONG, *sizes),
        tag(317, SHORT, 2),  # predictor: differences along the rows
    ]
    if channels in (2, 4):
        tags.append(tag(338, SHORT, 2))  # alpha, not premultiplied
    kept = set(DESCRIPTIVE)
    if dpi := metadata.get("dpi"):
        for number, value in zip((X_RESOLUTION, Y_RESOLUTION), dpi, strict=True):
            ratio = Fraction(value).limit_denominator(10_000)
            tags.append(tag(number, RATIONAL, ratio.numerator, ratio.denominator))
        tags.append(tag(RESOLUTION_UNIT, SHORT, 2))  # inches
    else:
        kept |= {X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT}
    if "icc_profile" in metadata:
        tags.append(Tag(PROFILE, UNDEFINED, metadata["icc_profile"]))
    if "xmp" in metadata:
        tags.append(Tag(XMP, 1, metadata["xmp"]))
    if photoshop := metadata.get("photoshop"):
        tags.append(Tag(PHOTOSHOP, 1, photoshop))
        if said := captions(photoshop):  # as libtiff wants them
            tags.append(Tag(CAPTIONS, LONG, said + bytes(-len(said) % 4)))
    records = {
        entry.tag: bytes(block.data[entry.at : entry.at + 12])
        for entry in block.entries(block.first)
        if entry.tag in kept
    }
    start = len(block.data) + len(block.data) % 2

    def written(place: int) -> bytes:
        places = tag(273, LONG, *accumulate([place, *sizes[:-1]]))
        return directory([*tags, places], order, start, records)

    content = written(start + len(written(0)))
    body = bytearray(block.data.ljust(start, b"\0"))
    struct.pack_into(f"{order}L", body, 4, start)
    return b"".join([body, content, *strips])


def _strip(rows: np.ndarray, order: str) -> bytes:
    """A band of rows, each pixel less its left neighbour (predictor 2), deflated."""
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]
    kind = np.dtype(f"{order}u{rows.itemsize}")
    return zlib.compress(differences.astype(kind).tobytes())
