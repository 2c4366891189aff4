"""The EXIF data of a file, changed in place: nothing in them moves.

The maker notes of cameras point into the block by offsets in unknown formats. Rewriting
the block, as Pillow does, breaks them. Here a value is overwritten in its place, and a
directory that must grow is written again at the end.
"""

import dataclasses
import struct
from typing import NamedTuple

import numpy as np

# Bytes of a value, by its type.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_SIZES |= {13: 4, 129: 1}
_INTEGERS = {1: "B", 3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 13: "L"}
ASCII, UNDEFINED, SHORT, LONG, RATIONAL = 2, 7, 3, 4, 5

ORIENTATION, PROCESSING_SOFTWARE, IMAGE_DESCRIPTION = 0x0112, 0x000B, 0x010E
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
MAKER_NOTE = 0x927C
# Across and down: they change places with a quarter turn.
_PAIRS = [(0x0100, 0x0101), (0x011A, 0x011B), (0xA002, 0xA003), (0x1001, 0x1002)]
_WIDTHS, _HEIGHTS = {0x0100, 0xA002}, {0x0101, 0xA003}
# Where thumbnails lie, and how long they are.
_THUMBNAILS = [(0x0201, 0x0202), (0x0111, 0x0117)]
_MAX_ENTRIES, _MAX_INTEGERS = 2000, 100  # ours: files have tens
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


@dataclasses.dataclass(frozen=True)
class Entry:
    """A tag of a directory, and where its twelve bytes are."""

    at: int
    tag: int
    type: int
    count: int

    @property
    def size(self) -> int:
        """Bytes of its value."""
        return _SIZES.get(self.type, 0) * self.count


class ExifBlock:
    """A TIFF structure: a header, and directories with their values anywhere in it.

    Args:
        data: The bytes, with or without the "Exif" before them.

    Raises:
        ValueError: It has no first directory.
    """

    def __init__(self, data: bytes):
        self.data = bytearray(data.removeprefix(b"Exif\0\0"))
        self.order = {b"II": "<", b"MM": ">"}.get(bytes(self.data[:2]), "")
        if not self.order or len(self.data) < 8 or self._number("H", 2) != 42:
            raise ValueError("no EXIF header")
        self.entries(self.first)

    @property
    def first(self) -> int:
        """Where the first directory is."""
        return self._number("L", 4)

    def entries(self, at: int) -> list[Entry]:
        """The tags of the directory at a place, as many as the data hold.

        Raises:
            ValueError: It is not within the data.
        """
        if not 8 <= at <= len(self.data) - 2:
            raise ValueError("a directory outside of the data")
        places = range(at + 2, at + 2 + 12 * self._count(at), 12)
        return [self._entry(place) for place in places]

    def following(self, at: int) -> int:
        """Where the directory after this one is; 0 for none."""
        end = at + 2 + 12 * self._number("H", at)
        return self._number("L", end) if end + 4 <= len(self.data) else 0

    def find(self, tag: int, at: int | None = None) -> Entry | None:
        """The first tag of that number in a directory, by default the first one."""
        at = self.first if at is None else at
        if not 8 <= at <= len(self.data) - 2:
            raise ValueError("a directory outside of the data")
        words = np.frombuffer(self.data, f"{self.order}u2", 6 * self._count(at), at + 2)
        found = np.flatnonzero(words[::6] == tag)  # fast, however long it is
        return self._entry(at + 2 + 12 * int(found[0])) if len(found) else None

    def place(self, entry: Entry) -> int:
        """Where its value begins."""
        inside = entry.at + 8
        return inside if entry.size <= 4 else self._number("L", inside)

    def value(self, entry: Entry) -> bytes:
        """The bytes of its value; fewer if the data end before."""
        start = self.place(entry)
        return bytes(self.data[start : start + entry.size])

    def integers(self, entry: Entry | None) -> tuple[int, ...]:
        """Its value as integers; empty for another type, too many, or no tag."""
        if (
            entry is None
            or entry.type not in _INTEGERS
            or entry.count > _MAX_INTEGERS
            or not self.is_sound(entry)
        ):
            return ()
        code = f"{self.order}{entry.count}{_INTEGERS[entry.type]}"
        return struct.unpack_from(code, self.data, self.place(entry))

    def is_sound(self, entry: Entry) -> bool:
        """Whether its type is known and its value lies within the data."""
        end = self.place(entry) + entry.size
        return entry.type in _SIZES and end <= len(self.data)

    def pointers(self) -> dict[int, int]:
        """The places of the EXIF, GPS and interoperability directories, by tag."""
        found: dict[int, int] = {}
        for parent, tag in ((None, EXIF), (None, GPS), (EXIF, INTEROPERABILITY)):
            if parent is None or parent in found:
                entry = self.find(tag, found[parent] if parent else None)
                for at in self.integers(entry)[:1]:
                    if 8 <= at <= len(self.data) - 2:
                        found[tag] = at
        return found

    def directories(self) -> set[int]:
        """Where the directories of the picture are, the first one among them."""
        return {self.first, *self.pointers().values()}

    def remove_unsound(self) -> list[int]:
        """Removes the tags whose value is missing; returns their numbers."""
        removed = []
        for at in self.directories():
            for entry in reversed(self.entries(at)):
                if not self.is_sound(entry):
                    removed.append(entry.tag)
                    self._remove(at, entry)
        return removed

    def remove_thumbnail(self) -> None:
        """Cuts off the directory of the thumbnail, and blanks its pixels."""
        second = self.following(self.first)
        if not second:
            return
        end = self.first + 2 + 12 * len(self.entries(self.first))
        self.data[end : end + 4] = bytes(4)
        try:
            entries = {entry.tag: entry for entry in self.entries(second)}
        except ValueError:
            return
        for offsets, sizes in _THUMBNAILS:
            places = self.integers(entries.get(offsets))
            for start, size in zip(
                places, self.integers(entries.get(sizes)), strict=False
            ):
                stop = min(start + size, len(self.data))
                if start < 8 or start >= stop:
                    continue
                if stop == len(self.data):
                    del self.data[start:]
                else:
                    self.data[start:stop] = bytes(stop - start)

    def blank_previews(self) -> bool:
        """Blanks the JPEG files in the maker notes; returns whether there were any."""
        camera = self.pointers().get(EXIF)
        note = self.find(MAKER_NOTE, camera) if camera else None
        found = False
        if note is None or not self.is_sound(note):
            return False
        start, end = self.place(note), self.place(note) + note.size
        while (start := self.data.find(_JPEG_START, start, end)) >= 0:
            stop = self.data.find(_JPEG_END, start, end)
            stop = end if stop < 0 else stop + 2
            self.data[start:stop] = bytes(stop - start)
            found = True
        return found

    @property
    def orientation(self) -> int | None:
        """Of the pixels as stored, 1 to 8; None without a valid one."""
        values = self.integers(self.find(ORIENTATION))[:1]
        return values[0] if values and 1 <= values[0] <= 8 else None

    def set_upright(self) -> None:
        """Sets the orientation to 1: the pixels are the right way up."""
        entry = self.find(ORIENTATION)
        if entry is not None and self.integers(entry):
            code = f"{self.order}{_INTEGERS[entry.type]}"
            struct.pack_into(code, self.data, self.place(entry), 1)
        elif entry is not None:
            self._remove(self.first, entry)

    def remove(self, tag: int) -> None:
        """Takes a tag out of the first directory."""
        if entry := self.find(tag):
            self._remove(self.first, entry)

    def turn_sizes(self) -> None:
        """Swaps widths and heights, as after a quarter turn."""
        for at in self.directories():
            entries = {entry.tag: entry for entry in self.entries(at)}
            for pair in _PAIRS:
                if len(places := [entries[t].at for t in pair if t in entries]) == 2:
                    a, b = (slice(place + 2, place + 12) for place in places)
                    self.data[a], self.data[b] = self.data[b], self.data[a]

    def set_sizes(self, width: int, height: int) -> None:
        """Overwrites the stored size of the pixels."""
        for at in self.directories():
            for entry in self.entries(at):
                if entry.tag not in _WIDTHS | _HEIGHTS or entry.count != 1:
                    continue
                if entry.type in (SHORT, LONG):
                    size = width if entry.tag in _WIDTHS else height
                    code = f"{self.order}{_INTEGERS[entry.type]}"
                    struct.pack_into(code, self.data, self.place(entry), size)

    def text(self, tag: int) -> str | None:
        """The text of a tag of the first directory."""
        entry = self.find(tag)
        if entry is None or entry.type != ASCII:
            return None
        return self.value(entry).split(b"\0")[0].decode("utf-8", "replace")

    def set_text(self, tag: int, text: str) -> None:
        """Writes a text into the first directory, in place of an existing one."""
        self.set_bytes(tag, text.encode(errors="replace") + b"\0")

    def set_bytes(self, tag: int, value: bytes) -> None:
        """As `set_text`, for the bytes of a text."""
        entry = self.find(tag)
        if entry is not None and entry.type == ASCII and entry.count >= len(value):
            start = self.place(entry)
            self.data[start : start + entry.count] = value.ljust(entry.count, b"\0")
            return
        kept = [
            (e.tag, bytes(self.data[e.at : e.at + 12]))
            for e in self.entries(self.first)
            if e.tag != tag
        ]
        following = self.following(self.first)
        field = value.ljust(4, b"\0")
        if len(field) > 4:
            field = struct.pack(f"{self.order}L", self._append(value))
        record = struct.pack(f"{self.order}HHL", tag, ASCII, len(value)) + field
        records = [r for _, r in sorted([*kept, (tag, record)], key=lambda r: r[0])]
        count = struct.pack(f"{self.order}H", len(records))
        end = struct.pack(f"{self.order}L", following)
        at = self._append(b"".join([count, *records, end]))
        struct.pack_into(f"{self.order}L", self.data, 4, at)

    def tobytes(self) -> bytes:
        """The data with "Exif" before them, as JPEG files hold them."""
        return b"Exif\0\0" + self.data

    def _entry(self, at: int) -> Entry:
        return Entry(at, *struct.unpack_from(f"{self.order}HHL", self.data, at))

    def _count(self, at: int) -> int:
        """The number of entries of a directory, limited to what is read of it."""
        room = (len(self.data) - at - 2) // 12
        return min(self._number("H", at), room, _MAX_ENTRIES)

    def _number(self, code: str, at: int) -> int:
        return struct.unpack_from(f"{self.order}{code}", self.data, at)[0]

    def _append(self, part: bytes) -> int:
        """Appends a part at an even place, and returns the place."""
        self.data += bytes(len(self.data) % 2)
        self.data += part
        return len(self.data) - len(part)

    def _remove(self, at: int, entry: Entry) -> None:
        """Removes an entry; those after it, and the pointer to the next, move up."""
        count = self._number("H", at)
        end = at + 2 + 12 * count + 4
        self.data[entry.at : end] = self.data[entry.at + 12 : end] + bytes(12)
        struct.pack_into(f"{self.order}H", self.data, at, count - 1)


class Tag(NamedTuple):
    """A tag that is to be written: its number, type, and value as stored."""

    tag: int
    type: int
    value: bytes


def directory(
    tags: list[Tag], order: str, start: int, records: dict[int, bytes]
) -> bytes:
    """A directory with its values behind it.

    Args:
        tags: To be written.
        order: Of bytes, "<" or ">".
        start: Where it will be, an even number.
        records: The twelve bytes of further tags, whose values are elsewhere.
    """
    end = start + 2 + 12 * (len(tags) + len(records)) + 4
    values = b""
    for tag in tags:
        field = tag.value.ljust(4, b"\0")
        if len(field) > 4:
            field = struct.pack(f"{order}L", end + len(values))
            values += tag.value + bytes(len(tag.value) % 2)
        count = len(tag.value) // _SIZES[tag.type]
        head = struct.pack(f"{order}HHL", tag.tag, tag.type, count)
        records = {**records, tag.tag: head + field}
    number = struct.pack(f"{order}H", len(records))
    ordered = [record for _, record in sorted(records.items())]
    return b"".join([number, *ordered, bytes(4), values])


def new_block(order: str = "<") -> ExifBlock:
    """A block whose first directory is empty."""
    mark = b"II" if order == "<" else b"MM"
    return ExifBlock(mark + struct.pack(f"{order}HLHL", 42, 8, 0, 0))
