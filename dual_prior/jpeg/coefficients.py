"""The quantized DCT coefficients of a JPEG file, read by jpeglib."""

import dataclasses
import io
import os
import tempfile
import threading
from contextlib import redirect_stdout

import numpy as np

from dual_prior.jpeg.header import (
    COMMENT,
    EOI,
    JpegHeader,
    read_jpeg_header,
    segments,
)
from dual_prior.jpeg.table_plane import UNKNOWN, tables_of
from dual_prior.system.streams import silenced_stderr
from dual_prior.system.text import one_line

_BLOCK = 8
_LIBRARY = "turbo210"  # of those within jpeglib, the one that is most like Pillow's
_LEAST_FLAT = 0.25  # ours: share of luma's blocks, in drawings
_READING = threading.Lock()  # jpeglib has global variables


@dataclasses.dataclass(frozen=True)
class Coefficients:
    """The coefficients of luma, or of Y, Cb and Cr, of a JPEG file.

    Attributes:
        quantized: Of each of them, `[rows, columns, 8, 8]`, int16: a coefficient for
            each block, and each vertical and horizontal frequency, in steps; None where
            they are not needed.
        steps: Their quantization tables, `[8, 8]`.
        sampling: Rows and columns of the picture that share a sample of Cb and Cr.
        is_drawing: Whether at least a quarter of luma's blocks is of one grey level.
    """

    quantized: tuple[np.ndarray | None, ...]
    steps: tuple[np.ndarray, ...]
    sampling: tuple[int, int] = (1, 1)
    is_drawing: bool = False

    @property
    def nbytes(self) -> int:
        """Of the coefficients."""
        return sum(plane.nbytes for plane in self.quantized if plane is not None)

    def turned(self, symmetry: int) -> "Coefficients":
        """Those of the picture after `symmetries.turn`, as if it had been encoded so.

        Args:
            symmetry: 0 to 7; blocks must begin at the first row and column afterwards.
        """
        odd = 1 - 2 * (np.arange(_BLOCK, dtype=np.int16) % 2)  # -1 where cosines are

        def turn(plane: np.ndarray | None) -> np.ndarray | None:
            if plane is None:
                return None
            for _ in range(symmetry % 4):  # against the clock: transposed, then upside
                plane = np.rot90(plane).swapaxes(2, 3) * odd[:, None]
            return plane[:, ::-1] * odd if symmetry >= 4 else plane

        if symmetry % 2 == 0:
            steps, sampling = self.steps, self.sampling
        else:
            steps = tuple(table.T for table in self.steps)
            sampling = self.sampling[::-1]
        return dataclasses.replace(
            self,
            quantized=tuple(map(turn, self.quantized)),
            steps=steps,
            sampling=sampling,
        )

    def of_chroma(self) -> "Coefficients":
        """The coefficients of chroma only."""
        return dataclasses.replace(self, quantized=(None, *self.quantized[1:]))


def read_coefficients(data: bytes) -> Coefficients:
    """The coefficients of a JPEG file that is whole and has been decoded before.

    Args:
        data: A file of 8 bits in Huffman's coding, as `has_coefficients` asks for.

    Raises:
        ImportError: jpeglib is not installed.
        ValueError: It does not read the file, or reads another one.
        OSError: No temporary file can be written, which jpeglib reads.
    """
    import jpeglib

    header = read_jpeg_header(data)
    if not has_coefficients(header):
        raise ValueError("not the coefficients of Y, Cb and Cr")
    tables = tables_of(header)
    # Its complaints were reported before, or cannot be.
    with _READING, silenced_stderr(), tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "picture.jpg")
        with open(path, "wb") as file:
            file.write(_without_metadata(data))
        try:
            # It prints the name of a file that it cannot read.
            with jpeglib.version(_LIBRARY), redirect_stdout(io.StringIO()):
                read = jpeglib.read_dct(path)
                planes = (read.Y, read.Cb, read.Cr)[: header.components]
        except (OSError, MemoryError):
            raise
        except Exception as error:  # it checks little of what it is given
            raise ValueError(one_line(error)) from error
    for channel, plane in enumerate(planes):
        shared = tables.sampling if channel else (1, 1)
        sides = [
            -(-side // (_BLOCK * samples))
            for side, samples in zip((header.height, header.width), shared, strict=True)
        ]
        if plane is None or plane.shape != (*sides, _BLOCK, _BLOCK):
            raise ValueError("coefficients that do not fit its size")
    is_flat = ~planes[0].reshape(-1, _BLOCK**2)[:, 1:].any(axis=1)
    return Coefficients(
        planes,
        tuple(tables.steps[: header.components]),
        tables.sampling,
        is_drawing=bool(np.mean(is_flat) >= _LEAST_FLAT),
    )


def has_coefficients(header: JpegHeader) -> bool:
    """Whether `read_coefficients` takes a file: luma or YCbCr, complete."""
    return (
        tables_of(header) is not UNKNOWN
        and header.precision == 8
        and not header.arithmetic
        and header.is_complete
    )


def _without_metadata(data: bytes) -> bytes:
    """The picture alone: jpeglib has room for so many segments only."""
    kept, start = [], 0
    for segment in segments(data):
        if 0xE0 <= segment.marker <= 0xEF or segment.marker == COMMENT:
            kept.append(data[start : segment.start])
            start = segment.end
        elif segment.marker == EOI:
            return b"".join([*kept, data[start : segment.end]])
    return b"".join([*kept, data[start:]])
