"""TIFF files of any depth.

Pillow writes no 16 bits in colour, and tifffile no EXIF directories: so the pixels are
ours, and the directories are Pillow's.
"""

import io
import zlib
from itertools import accumulate

import numpy as np
from PIL import TiffImagePlugin
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from dual_prior.pictures.metadata import DESCRIPTIVE_TAGS, parsed_exif

_ROWS = 64  # ours, of a strip


def encode_tiff(planes: np.ndarray, metadata: dict) -> bytes:
    """A TIFF file of any depth, compressed without loss.

    Args:
        planes: `[H, W, C]`, uint8 or uint16, C from 1 (grey) to 4 (with alpha).
        metadata: As in `Picture`.
    """
    height, width, channels = planes.shape
    is_grey = channels < 3

    strips = [_strip(planes[top : top + _ROWS]) for top in range(0, height, _ROWS)]
    sizes = [len(strip) for strip in strips]
    tags = ImageFileDirectory_v2()
    exif = parsed_exif(metadata)
    for tag in DESCRIPTIVE_TAGS & set(exif):
        tags[tag] = exif[tag]
    for tag in {IFD.Exif, IFD.GPSInfo} & set(exif):
        part = exif.get_ifd(tag)
        if IFD.Interop in part:  # an offset, until it is asked for
            part = {**part, IFD.Interop: exif.get_ifd(IFD.Interop)}
        tags[tag] = part
    tags[TiffImagePlugin.IMAGEWIDTH] = width
    tags[TiffImagePlugin.IMAGELENGTH] = height
    tags[TiffImagePlugin.BITSPERSAMPLE] = (8 * planes.dtype.itemsize,) * channels
    tags[TiffImagePlugin.COMPRESSION] = 8  # Deflate
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 1 if is_grey else 2
    tags[TiffImagePlugin.SAMPLESPERPIXEL] = channels
    tags[TiffImagePlugin.ROWSPERSTRIP] = _ROWS
    tags[TiffImagePlugin.PREDICTOR] = 2
    # Counted from its own end by Pillow.
    tags[TiffImagePlugin.STRIPOFFSETS] = tuple(accumulate([0, *sizes[:-1]]))
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(sizes)
    if channels in (2, 4):
        tags[TiffImagePlugin.EXTRASAMPLES] = (2,)  # alpha, not premultiplied
    if dpi := metadata.get("dpi"):
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2  # inches
        tags[TiffImagePlugin.X_RESOLUTION] = IFDRational(dpi[0])
        tags[TiffImagePlugin.Y_RESOLUTION] = IFDRational(dpi[1])
    for key, tag in (("icc_profile", 34675), ("xmp", 700)):
        if key in metadata:
            tags.tagtype[tag] = 7 if key == "icc_profile" else 1
            tags[tag] = metadata[key]
    buffer = io.BytesIO()
    tags.save(buffer)
    return b"".join([buffer.getvalue(), *strips])


def _strip(rows: np.ndarray) -> bytes:
    """A band of rows, each pixel less its left neighbour (predictor 2), deflated."""
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]
    return zlib.compress(differences.astype(rows.dtype.newbyteorder("<")).tobytes())
