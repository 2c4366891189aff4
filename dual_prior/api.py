"""Restoring in one call, for Python: arrays and files."""

import functools
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dual_prior.files.address import located
from dual_prior.files.plan import plan_job
from dual_prior.files.record import FAILED, SKIPPED
from dual_prior.files.restore import is_kept
from dual_prior.files.restore import restore as restore_job
from dual_prior.files.settings import Settings
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.picture import Picture, of_depth
from dual_prior.restoration.options import Options
from dual_prior.system.streams import start_backend

if TYPE_CHECKING:
    from dual_prior.restoration.restorer import Restorer


@functools.lru_cache(maxsize=2)
def _restorer(options: Options) -> "Restorer":
    start_backend()
    from dual_prior.restoration.restorer import Restorer

    return Restorer(options)


def restore(image: np.ndarray, **options: Any) -> np.ndarray:
    """Removes the JPEG artifacts of a picture.

    Threads may call it at the same time. Start processes with "spawn": TensorFlow hangs
    in a process that was forked from one that has used it.

    Args:
        image: `[H, W]` or `[H, W, 3]` (red, green, blue), uint8 or uint16; or what
            NumPy converts to such an array, as a Pillow image in mode L or RGB.
        **options: The fields of `Options`: preset, weights, strength, ensemble, always,
            depth, max_memory. The two networks used last stay in memory.

    Returns:
        The restored picture, shaped like `image`; where it shows no trace of JPEG, and
        `always` is not set, the same pixels.

    Raises:
        ValueError: `image` has another shape or type, or an option is out of range.
        MemoryError: It needs more than `max_memory`.
        OSError: The weights cannot be read.

    Example:
        >>> picture = dual_prior.read_picture("photo.jpg")
        >>> restored = dual_prior.restore(picture.pixels)
        >>> restored.shape, restored.dtype.name
        ((48, 64, 3), 'uint8')
    """
    image = np.asarray(image)
    restorer = _restorer(Options(**options))
    probability = restorer.probability(image)  # which checks the array
    picture = Picture(image)
    if restorer.is_clean(probability, picture.trace):
        return of_depth(image, restorer.options.depth).copy()
    return restorer.restore(image, tables=picture.tables, trace=picture.trace)


def restore_file(
    path: str | os.PathLike,
    output: str | os.PathLike | None = None,
    *,
    compare: str | os.PathLike | None = None,
    **settings: Any,
) -> Path | None:
    """Restores a picture file, as `dual-prior restore` does.

    Parts of the file that the result lacks, and doubts about the file, are reported as
    `UserWarning`s. A warning may be lost while another thread reads a picture, since
    threads share Python's warning filters.

    Args:
        path: The picture.
        output: The file or the folder of the result; by default NAME.restored.png
            beside the picture.
        compare: Where to draw before and after side by side: a PNG file, or a folder.
        **settings: The fields of `Settings`, which are the flags of the command:
            in_place, overwrite, format, quality, strip, strict, salvage, ... and the
            options of `restore`.

    Returns:
        The path of the result, or of the copy of a picture without a trace of JPEG;
        None if it was skipped: clean, in place or without an `output`, or restored in
        place before.

    Raises:
        PictureError: The picture cannot be read, the result cannot be written, or, in
            place, it would lack a part of the file.
        FileExistsError: The result or the comparison exists.
        ValueError: A setting is out of range, or the result would overwrite the picture
            without `in_place`.
        OSError: The weights cannot be read.

    Example:
        >>> target = dual_prior.restore_file("photo.jpg", "restored.tif")
        >>> dual_prior.read_picture(target).description
        'colour TIFF'
    """
    chosen = Settings(**settings)
    job = plan_job(
        located(path),
        chosen,
        None if output is None else os.fspath(output),
        None if compare is None else located(compare),
    )
    for file in (None if job.in_place else job.target, job.comparison):
        if is_kept(file, chosen):
            raise FileExistsError(f"{file} exists; overwrite=True replaces it.")
    record = restore_job(job, lambda: _restorer(chosen.options), chosen)
    for warning in record.warnings:
        warnings.warn(f"{record.input}: {warning}", stacklevel=2)
    if record.status == FAILED:
        raise PictureError(record.input, record.reason or "")
    return None if record.status == SKIPPED else located(record.output or "")
