"""The quantization tables of a JPEG file as planes, an input of networks.

The step of a frequency tells how coarsely it was rounded, and so how large its error
may be. The plane repeats the table in every block, so it shows where blocks begin, too:

    a pixel in row 3, column 5 of its block: the step of frequency (3, 5), in logarithms

Where no table is known the plane is 0, as for a step in the middle. A 0 below all steps
would put a network out of its range: it would have to learn such pictures separately.
"""

import dataclasses

import numpy as np

from dual_prior.jpeg.header import JpegHeader

_BLOCK = 8
MIDDLE = 16.0  # ours: 1 + the step of 0
SCALE = 8.0  # ours: log2 of 256, so that 8-bit tables lie in [-3/8, 1/2]


def logarithms(table: np.ndarray) -> np.ndarray:
    """log2((1 + step) / 16) / 8: -3/8 for a step of 1, 1/2 for 255; 0 where unknown.

    Args:
        table: Steps `[..., 8, 8]`; 0 where they are not known.
    """
    known = np.log2((1.0 + table) / MIDDLE) / SCALE
    return np.where(table > 0, known, 0.0).astype(np.float32)


@dataclasses.dataclass(frozen=True)
class Tables:
    """The tables of Y, Cb and Cr, and where the blocks of a picture begin.

    Attributes:
        steps: `[3, 8, 8]`, by vertical, then horizontal frequency; 0 where they are not
            known.
        sampling: Rows and columns of the picture that share a sample of Cb and Cr:
            (2, 2) for a 4:2:0 file, whose blocks of chroma are 16 pixels a side.
        origin: Row and column of the file at which the picture begins.
    """

    steps: np.ndarray
    sampling: tuple[int, int] = (1, 1)
    origin: tuple[int, int] = (0, 0)

    def part(self, top: int, left: int) -> "Tables":
        """The tables of the part of the picture from row `top`, column `left` on."""
        row, column = self.origin
        return dataclasses.replace(self, origin=(row + top, column + left))

    def turned(self, symmetry: int, height: int, width: int) -> "Tables":
        """The tables of the picture after `symmetries.turn`.

        As if the file had been turned without loss: rows and columns of the tables
        swap with those of the picture, and blocks begin at its other side.

        Args:
            symmetry: 0 to 7: quarter turns against the clock, and 4 for a flip of left
                and right after them.
            height, width: Of the picture before, pixels.
        """
        sides = [
            (start, length, shared)
            for start, length, shared in zip(
                self.origin, (height, width), self.sampling, strict=True
            )
        ]

        def mirrored(side):
            start, length, shared = side
            return -(start + length) % (_BLOCK * shared), length, shared

        for _ in range(symmetry % 4):
            rows, columns = sides
            sides = [mirrored(columns), rows]
        if symmetry >= 4:
            sides[1] = mirrored(sides[1])
        (top, _, rows_shared), (left, _, columns_shared) = sides
        return Tables(
            self.steps.swapaxes(1, 2) if symmetry % 2 else self.steps,
            (rows_shared, columns_shared),
            (top, left),
        )

    def planes(self, height: int, width: int) -> np.ndarray:
        """The planes of Y, Cb and Cr, `[height, width, 3]`.

        Float32, [-3/8, 1/2] for tables of 8 bits, above for those of 16; 0 where there
        is no table.
        """
        planes = np.empty((height, width, 3), np.float32)
        for channel, table in enumerate(logarithms(self.steps)):
            rows, columns = (
                np.arange(start, start + length) // (shared if channel else 1) % _BLOCK
                for start, length, shared in zip(
                    self.origin, (height, width), self.sampling, strict=True
                )
            )
            planes[..., channel] = table[np.ix_(rows, columns)]
        return planes


UNKNOWN = Tables(np.zeros((3, _BLOCK, _BLOCK), np.uint16))


def of_luma(table: np.ndarray, origin: tuple[int, int] = (0, 0)) -> Tables:
    """Tables of which only that of Y, `[8, 8]`, is known."""
    steps = UNKNOWN.steps.copy()
    steps[0] = table
    return Tables(steps, origin=origin)


# Rows and columns of the picture that share a sample of Cb and Cr.
_SAMPLING = {
    "4:4:4": (1, 1),
    "4:2:2": (1, 2),
    "4:2:0": (2, 2),
    "4:4:0": (2, 1),
    "4:1:1": (1, 4),
    "4:4:1": (4, 1),
    "4:1:0": (2, 4),
}


def tables_of(header: JpegHeader) -> Tables:
    """The tables of a file that stores luma, or Y, Cb and Cr; `UNKNOWN` for others."""
    steps = UNKNOWN.steps.copy()
    quantization = [np.reshape(table, (8, 8)) for table in header.quantization]
    if header.components == 1 and quantization:
        steps[0] = quantization[0]
        return Tables(steps)
    is_ycc = header.components == 3 and header.adobe_transform != 0
    if not is_ycc or len(quantization) != 3 or header.subsampling not in _SAMPLING:
        return UNKNOWN
    return Tables(np.array(quantization, np.uint16), _SAMPLING[header.subsampling])
