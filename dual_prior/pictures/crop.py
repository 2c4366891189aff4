"""A part of a picture, with the metadata that still hold."""

import dataclasses

import numpy as np

from dual_prior.pictures import xmp
from dual_prior.pictures.exif import ExifBlock
from dual_prior.pictures.jpeg_parts import fitted
from dual_prior.pictures.photoshop import kept_resources
from dual_prior.pictures.picture import Notes, Picture

_GRID = 8  # the side of a JPEG block


def cropped(picture: Picture, width: int, height: int, left: int, top: int) -> Picture:
    """A part of a picture, which begins and ends on the grid of 8x8 blocks.

    Edges between the lines of the grid move outwards, as jpegtran moves the first two,
    so that networks see the grid in its place. The part ends at the picture's border.

    Args:
        picture: The whole.
        width: Of the part, pixels.
        height: Likewise.
        left: Pixels to the left of it.
        top: Pixels above it.

    Raises:
        ValueError: The part lies outside of the picture.
    """
    rows, columns = picture.pixels.shape[:2]
    if left >= columns or top >= rows:
        raise ValueError(
            f"the crop {width}x{height}+{left}+{top} is outside of its "
            f"{columns}x{rows} pixels"
        )
    x, y = left // _GRID * _GRID, top // _GRID * _GRID
    right = min(columns, -(-(left + width) // _GRID) * _GRID)
    bottom = min(rows, -(-(top + height) // _GRID) * _GRID)
    notes = Notes([*picture.warnings], [*picture.losses])
    size = (right - x, bottom - y)
    if (*size, x, y) != (width, height, left, top):
        notes.warn(f"cropped to {size[0]}x{size[1]}+{x}+{y}, on the grid of 8x8 blocks")

    def part(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array[y:bottom, x:right])

    return dataclasses.replace(
        picture,
        pixels=part(picture.pixels),
        alpha=None if picture.alpha is None else part(picture.alpha),
        metadata=_metadata_of_part(picture.metadata, size, notes),
        warnings=notes.warnings,
        losses=notes.losses,
        place=(y, x, rows, columns),
        tables=picture.tables.part(y, x),
        encoded=None,
    )


def _metadata_of_part(whole: dict, size: tuple[int, int], notes: Notes) -> dict:
    metadata = dict(whole)
    if exif := metadata.get("exif"):
        block = ExifBlock(exif)
        block.set_sizes(*size)
        metadata["exif"] = block.tobytes()
    fitted(metadata, "cropped", notes)
    if packet := metadata.get("xmp"):
        metadata["xmp"] = xmp.without_regions(packet)
        if metadata["xmp"] != packet:
            notes.lose(
                "the places of faces (XMP) were dropped: the picture was cropped"
            )
        metadata["xmp"] = xmp.without_sizes(metadata["xmp"])
    if stored := metadata.get("photoshop"):
        metadata["photoshop"], lost_paths = kept_resources(stored, True)
        if lost_paths:
            notes.lose("the clipping paths were dropped: the picture was cropped")
    return metadata
