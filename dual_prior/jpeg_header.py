"""What a JPEG file says of itself, read without decoding a pixel."""

import dataclasses

import numpy as np

# Start-of-frame markers, by what they announce (JPEG standard, Table B.1).
_PROCESSES = {
    0xC0: "baseline",
    0xC1: "extended",
    0xC2: "progressive",
    0xC3: "lossless",
    0xC5: "hierarchical",
    0xC6: "hierarchical",
    0xC7: "hierarchical",
    0xC9: "extended, arithmetic-coded",
    0xCA: "progressive, arithmetic-coded",
    0xCB: "lossless, arithmetic-coded",
    0xCD: "hierarchical",
    0xCE: "hierarchical",
    0xCF: "hierarchical",
}
_START_OF_IMAGE, _END_OF_IMAGE, _START_OF_SCAN, _TABLES = 0xD8, 0xD9, 0xDA, 0xDB
_STANDALONE = {0x01, *range(0xD0, 0xD9)}

# Names of the usual ratios of luma's sampling to chroma's, horizontal and vertical.
_SUBSAMPLINGS = {
    (1, 1): "4:4:4",
    (2, 1): "4:2:2",
    (2, 2): "4:2:0",
    (1, 2): "4:4:0",
    (4, 1): "4:1:1",
    (4, 2): "4:1:0",
}


def _zigzag_key(place: int) -> tuple[int, int]:
    row, column = divmod(place, 8)
    # Odd diagonals run down, even ones up.
    return row + column, row if (row + column) % 2 else column


# Where the k-th coefficient of the zigzag order stands, row by row.
_ZIGZAG = np.array(sorted(range(64), key=_zigzag_key))

# Quality 50's tables, luminance and chrominance (JPEG standard, Annex K), row by row.
_LUMINANCE = np.array(
    [
        *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
        *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
        *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
        *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
    ]
)


@dataclasses.dataclass(frozen=True, eq=False)
class JpegHeader:
    """The frame, the tables and the scans of a JPEG file.

    Attributes:
        width, height: Pixels.
        process: "baseline", "progressive", "lossless", ..., with "arithmetic-coded" if
            it is.
        precision: Bits a sample.
        sampling: (horizontal, vertical) factors of each component.
        tables: The quantization steps `[64]` of each component, row by row; none where
            the file lacks the table.
        num_scans: How often a scan starts.
    """

    width: int
    height: int
    process: str
    precision: int
    sampling: tuple[tuple[int, int], ...]
    tables: tuple[np.ndarray, ...]
    num_scans: int

    @property
    def subsampling(self) -> str:
        """Of the chroma: "4:2:0" and so on; "none" for one component."""
        if len(self.sampling) < 3:
            return "none"
        (h, v), (chroma_h, chroma_v), other = self.sampling[:3]
        ratio = (h / chroma_h, v / chroma_v)
        if other == (chroma_h, chroma_v) and ratio in _SUBSAMPLINGS:
            return _SUBSAMPLINGS[ratio]
        return " ".join(f"{h}x{v}" for h, v in self.sampling)

    @property
    def quality(self) -> int | None:
        """Estimate of libjpeg's quality, 1 to 100, from the first table."""
        return estimate_quality(self.tables[0]) if self.tables else None


def read_jpeg_header(data: bytes) -> JpegHeader:
    """Reads the markers of a JPEG file.

    Raises:
        ValueError: There is no frame in `data`, or it is damaged.
    """
    frame = None
    tables = {}
    num_scans = 0
    for marker, segment in _segments(data):
        if marker == _TABLES:
            tables.update(_read_tables(segment))
        elif marker == _START_OF_SCAN:
            num_scans += 1
        elif marker in _PROCESSES and frame is None:
            frame = (_PROCESSES[marker], *_read_frame(segment))
    if frame is None:
        raise ValueError("truncated or damaged JPEG (it has no frame)")
    process, precision, height, width, components = frame
    return JpegHeader(
        width,
        height,
        process,
        precision,
        tuple(sampling for sampling, _ in components),
        tuple(tables[index] for _, index in components if index in tables),
        num_scans,
    )


def estimate_quality(table) -> int:
    """The libjpeg quality whose luminance table is the nearest to `table`.

    Args:
        table: 64 quantization steps, row by row.

    Returns:
        1 to 100; exact for the tables that libjpeg writes.
    """
    qualities = np.arange(1, 101)
    scale = np.where(qualities < 50, 5000 // qualities, 200 - 2 * qualities)
    tables = np.clip((_LUMINANCE * scale[:, None] + 50) // 100, 1, 255)
    # The steps span two orders of magnitude: compare their ratios.
    distances = np.abs(np.log(tables / np.maximum(table, 1))).sum(axis=1)
    return int(qualities[np.argmin(distances)])


def _segments(data: bytes):
    """(marker, content) of each segment up to the end, or to where they break off."""
    place = data.find(b"\xff", 2)
    while 0 <= place < len(data) - 1:
        marker = data[place + 1]
        place += 2
        if marker == 0xFF:  # fill bytes
            place -= 1
        elif marker == _END_OF_IMAGE:
            return
        elif marker and marker not in _STANDALONE:
            length = int.from_bytes(data[place : place + 2], "big")
            if length < 2 or place + length > len(data):
                return
            yield marker, data[place + 2 : place + length]
            place += length
        # Between segments there is a scan's coded data, in which 0xFF is followed by 0
        # or a restart marker.
        place = data.find(b"\xff", place)


def _read_frame(segment: bytes) -> tuple:
    if len(segment) < 6 or len(segment) < 6 + 3 * segment[5]:
        raise ValueError("damaged JPEG (its frame is cut off)")
    components = []
    for start in range(6, 6 + 3 * segment[5], 3):
        _, factors, table = segment[start : start + 3]
        sampling = factors >> 4, factors & 15
        if 0 in sampling:
            raise ValueError("damaged JPEG (a component has no samples)")
        components.append((sampling, table))
    height, width = (int.from_bytes(segment[i : i + 2], "big") for i in (1, 3))
    return segment[0], height, width, components


def _read_tables(segment: bytes) -> dict[int, np.ndarray]:
    tables = {}
    place = 0
    while place < len(segment):
        is_wide, index = segment[place] >> 4, segment[place] & 15
        kind = ">u2" if is_wide else "u1"
        end = place + 1 + 64 * np.dtype(kind).itemsize
        if end > len(segment):
            break
        values = np.frombuffer(segment[place + 1 : end], kind).astype(int)
        tables[index] = np.empty(64, int)
        tables[index][_ZIGZAG] = values
        place = end
    return tables
