"""The header of a JPEG file, read from its markers without decoding pixels.

Pillow stops at the first scan: it does not count scans, misses the tables of later
ones, and fails on kinds that an error should name, such as 12 bits. So this parser is
ours.
"""

import dataclasses
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

# A marker: neither a stuffed zero, nor a restart, nor a fill byte.
_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])")
EOI, _SOS, _DQT, _DRI, _DHP = 0xD9, 0xDA, 0xDB, 0xDD, 0xDE
_APP2, _APP14, COMMENT = 0xE2, 0xEE, 0xFE
_MAX_SEGMENTS = 10_000  # ours: profiles, XMP and previews take hundreds
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROCESSES = {
    0xC0: "baseline",
    0xC1: "extended",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC9: "extended",
    0xCA: "progressive",
    0xCB: "lossless",
}  # the others are hierarchical

# Where the steps of a table go, as files list them.
ZIGZAG = np.array(
    [
        *(0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5),
        *(12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28),
        *(35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51),
        *(58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63),
    ]
)

# The tables of quality 50 (JPEG standard, Annex K), row by row.
_LUMA_TABLE = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)


def of_qualities(table: np.ndarray) -> np.ndarray:
    """The tables that encoders make of one, of 64 steps, at quality 1 to 100.

    Returns:
        `[100, 8, 8]`.
    """
    qualities = np.arange(1, 101)
    scale = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)
    tables = np.clip((table * scale[:, None] + 50) // 100, 1, 255)
    return tables.reshape(-1, 8, 8)


# Luma's tables of libjpeg.
LUMA_TABLES = of_qualities(_LUMA_TABLE)


class Segment(NamedTuple):
    """Where a segment of a JPEG file lies: `data[start:end]`, from its marker on.

    A scan's segment is its header; the coded pixels follow it, up to the next marker.
    `end` is beyond the end of a file that is cut off in the segment.
    """

    marker: int
    start: int
    end: int

    def body(self, data: bytes) -> bytes:
        """Its content, without marker and length."""
        return data[self.start + 4 : self.end]


def segments(data: bytes) -> Iterator[Segment]:
    """Yields the segments of the first picture; EOI, if present, is the last.

    Raises:
        ValueError: A segment has no length.
    """
    end = 2
    while match := _MARKER.search(data, end):
        marker, start = match[1][0], match.start()
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        if marker == EOI:
            length = 0
        elif start + 4 > len(data):
            length = 2  # cut off: whether that matters depends on the segments before
        elif length < 2 and (marker == COMMENT or 0xE0 <= marker <= 0xEF):
            length = 2  # decoders skip it, too
        elif length < 2:
            raise ValueError(f"the segment at byte {start} has no length")
        end = start + 2 + length
        yield Segment(marker, start, end)
        if marker == EOI or end > len(data):
            return


@dataclasses.dataclass(frozen=True)
class JpegHeader:
    """The header of a JPEG file.

    Attributes:
        width: Pixels, > 0.
        height: Pixels, > 0.
        components: Channels as stored, 1 to 4.
        precision: Bits a sample: 8, or 2 to 16 in kinds that are rarely decoded.
        process: "baseline", "extended", "progressive", "lossless" or "hierarchical".
        arithmetic: Whether the coding is arithmetic instead of Huffman's.
        subsampling: "grey", "4:4:4", "4:2:2", "4:2:0", "4:4:0", "4:1:1", "4:4:1" or
            "4:1:0", else each component's factors, as "3x1,1x1,1x1".
        quantization: A table for each component: 64 steps, int, in the order of rows;
            empty for lossless files.
        num_scans: Scans that begin in the file.
        is_complete: Whether these hold every bit of every coefficient.
        restart_interval: Units between restart markers; 0 without.
        adobe_transform: The colour transform of Adobe's marker (0 none, 1 YCbCr,
            2 YCCK), or None without such a marker.
    """

    width: int
    height: int
    components: int
    precision: int
    process: str
    arithmetic: bool
    subsampling: str
    quantization: tuple[np.ndarray, ...]
    num_scans: int
    is_complete: bool
    restart_interval: int
    adobe_transform: int | None

    @property
    def quality(self) -> int | None:
        """Estimated libjpeg quality of the first component, 1 to 100, if it has one."""
        return estimate_quality(self.quantization[0]) if self.quantization else None

    @property
    def has_standard_luma(self) -> bool:
        """Whether the first table is the standard's, scaled as libjpeg does."""
        if self.quality is None:
            return False
        expected = LUMA_TABLES[self.quality - 1].ravel()
        return bool(np.array_equal(expected, self.quantization[0]))


def read_jpeg_header(data: bytes) -> JpegHeader:
    """Reads all markers of the first picture in `data`.

    Bytes between segments are skipped, as decoders do; a file that ends in or after a
    scan is read as far as it goes.

    Raises:
        ValueError: `data` is not a JPEG file, or is cut off or damaged before its
            pixels.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("no JPEG file")
    frame, hierarchical = None, False
    tables: dict[int, np.ndarray] = {}
    latched: dict[int, np.ndarray | None] = {}
    # Bits that are still missing, by component and frequency.
    missing: dict[tuple[int, int], int] = {}
    num_scans, restart_interval, adobe_transform = 0, 0, None
    for count, segment in enumerate(segments(data)):
        if count == _MAX_SEGMENTS:
            raise ValueError(f"more than {_MAX_SEGMENTS:,} segments")
        if segment.end > len(data):
            break
        marker, body = segment.marker, segment.body(data)
        if marker == _DQT:
            tables.update(_tables(body))
        elif marker == _DRI:
            restart_interval = int.from_bytes(body[:2], "big")
        elif marker == _DHP:
            hierarchical = True
        elif marker == _APP14 and body[:5] == b"Adobe" and len(body) >= 12:
            adobe_transform = body[11]
        elif marker in _FRAMES and frame is None:
            frame = _Frame(marker, body)
        elif marker == _SOS:
            if frame is None:
                raise ValueError("a scan comes before the frame header")
            num_scans += 1
            # Later scans may bring another table under the same number.
            for identifier in body[1 : 1 + 2 * body[0] : 2] if body else b"":
                if (number := frame.table_numbers.get(identifier)) is not None:
                    latched.setdefault(identifier, tables.get(number))
                first, last, bits = _band(frame, body)
                for frequency in range(first, last + 1):
                    missing[identifier, frequency] = bits
    if frame is None:
        raise ValueError("truncated before the frame header")
    if not num_scans:
        raise ValueError("truncated before the first scan")
    process = _PROCESSES.get(frame.marker, "hierarchical")
    if hierarchical:
        process = "hierarchical"
    quantization = []
    if process not in ("lossless", "hierarchical"):
        for identifier, number in frame.component_tables:
            table = latched.get(identifier)
            table = tables.get(number) if table is None else table
            if table is None:
                raise ValueError(f"quantization table {number} is missing")
            quantization.append(table)
    return JpegHeader(
        width=frame.width,
        height=frame.height,
        components=len(frame.component_tables),
        precision=frame.precision,
        process=process,
        arithmetic=frame.marker >= 0xC9,
        subsampling=_subsampling(frame.factors),
        quantization=tuple(quantization),
        num_scans=num_scans,
        is_complete=all(
            missing.get((identifier, frequency)) == 0
            for identifier, _ in frame.component_tables
            for frequency in range(64)
        ),
        restart_interval=restart_interval,
        adobe_transform=adobe_transform,
    )


def without_incomplete_end(data: bytes) -> bytes:
    """A cut-off JPEG file up to its last complete segment or scan, properly ended.

    Decoders fill what is missing with grey.
    """
    end = len(data)
    for segment in segments(data):
        if segment.marker == EOI:
            return data[: segment.end]
        if segment.end > len(data):
            end = segment.start
    return data[:end] + b"\xff\xd9"


def without_profile(data: bytes) -> bytes:
    """A JPEG file without its APP2 segments, where colour profiles are kept."""
    kept, start = [], 0
    for segment in segments(data):
        if segment.marker == _APP2:
            kept.append(data[start : segment.start])
            start = segment.end
    return b"".join([*kept, data[start:]])


def estimate_quality(table) -> int:
    """The libjpeg quality whose luminance table is the nearest to `table`.

    Args:
        table: 64 quantization steps in the order of rows.

    Returns:
        1 to 100; exact for the tables that libjpeg writes.
    """
    # The steps span two orders of magnitude: compare their ratios.
    steps = np.maximum(table, 1)  # damaged files have steps of zero
    distances = np.abs(np.log(LUMA_TABLES.reshape(-1, 64) / steps)).sum(axis=1)
    return 1 + int(np.argmin(distances))


class _Frame:
    """A frame header."""

    def __init__(self, marker: int, body: bytes):
        if len(body) < 6 or len(body) < 6 + 3 * body[5]:
            raise ValueError("the frame header is too short")
        self.marker = marker
        self.precision = body[0]
        self.height = int.from_bytes(body[1:3], "big")
        self.width = int.from_bytes(body[3:5], "big")
        if not self.height or not self.width:
            raise ValueError(f"a size of {self.width}x{self.height}")
        if not 1 <= body[5] <= 4:
            raise ValueError(f"{body[5]} components")
        components = [body[6 + 3 * index :][:3] for index in range(body[5])]
        self.component_tables = [(item[0], item[2]) for item in components]
        self.table_numbers = dict(self.component_tables)
        self.factors = [(item[1] >> 4, item[1] & 15) for item in components]


def _band(frame: _Frame, body: bytes) -> tuple[int, int, int]:
    """(first and last frequency of a scan, number of low bits that it omits)."""
    band = body[1 + 2 * body[0] :][:3]
    if _PROCESSES.get(frame.marker) != "progressive" or len(band) < 3:
        return 0, 63, 0
    return min(band[0], 63), min(band[1], 63), band[2] & 15


def _tables(body: bytes) -> dict[int, np.ndarray]:
    tables = {}
    while body:
        size = 2 if body[0] >> 4 else 1
        steps = np.frombuffer(body[1 : 1 + 64 * size], f">u{size}").astype(int)
        if len(steps) < 64:
            raise ValueError("a quantization table is too short")
        table = np.empty(64, int)
        table[ZIGZAG] = steps
        tables[body[0] & 15] = table
        body = body[1 + 64 * size :]
    return tables


def _subsampling(factors: list[tuple[int, int]]) -> str:
    if len(factors) == 1:
        return "grey"
    (across, down), *others = factors[:3]
    ratios = {
        (across / (horizontal or 1), down / (vertical or 1))
        for horizontal, vertical in others
    }
    names: dict[tuple[float, float], str] = {
        (1, 1): "4:4:4",
        (2, 1): "4:2:2",
        (2, 2): "4:2:0",
        (1, 2): "4:4:0",
        (4, 1): "4:1:1",
        (1, 4): "4:4:1",
        (4, 2): "4:1:0",
    }
    name = names.get(ratios.pop()) if len(ratios) == 1 else None
    return name or ",".join(f"{across}x{down}" for across, down in factors)
