"""Restoring in one call, for Python: arrays and files."""

import functools
import os
import warnings
from pathlib import Path
from typing import TypedDict, Unpack

import numpy as np

from dual_prior.command.batch import FileOptions, Runner
from dual_prior.files.plan import plan_job
from dual_prior.files.record import FAILED, SKIPPED, Record
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.formats import SUFFIXES, output_format
from dual_prior.pictures.reader import Limits
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer


class Words(TypedDict, total=False):
    """The attributes of `Options`, as words of a call: see there."""

    preset: str
    weights: str | os.PathLike | None
    strength: float
    ensemble: bool
    skip_clean: bool
    depth: int | None
    max_memory: float


@functools.lru_cache(maxsize=2)
def _restorer(options: Options) -> Restorer:
    return Restorer(options)


def restore(image: np.ndarray, **options: Unpack[Words]) -> np.ndarray:
    """The picture without its JPEG artifacts.

    Threads may call it at once; processes have to be started by "spawn", since
    TensorFlow waits for ever in the forked copy of a process that has used it.

    Args:
        image: `[H, W]` or `[H, W, 3]` (red, green, blue), uint8 or uint16; whatever
            NumPy makes such an array of, as a Pillow image in mode L or RGB.
        **options: Of `Options`: preset, weights, strength, ensemble, skip_clean,
            depth, max_memory. The network is loaded once for the same options.

    Returns:
        The restored picture, shaped like `image`.

    Raises:
        ValueError: `image` is no such picture, or an option is out of range.
        MemoryError: It needs more than `max_memory`.
        OSError: The weights cannot be read.

    Example:
        restored = dual_prior.restore(np.asarray(Image.open("photo.jpg")))
    """
    return _restorer(Options(**options)).restore(np.asarray(image)).pixels


def restore_file(
    path: str | os.PathLike,
    output: str | os.PathLike | None = None,
    *,
    in_place: bool = False,
    overwrite: bool = False,
    format: str | None = None,
    jpeg_quality: int = 95,
    strip: bool = False,
    compare: str | os.PathLike | None = None,
    strict: bool = False,
    salvage: bool = False,
    limits: Limits | None = None,
    **options: Unpack[Words],
) -> Path | None:
    """Restores a picture file, as `dual-prior restore` does.

    What was lost in reading, is too long for JPEG, or is doubtful, is a `UserWarning`;
    what a format never holds (see `pictures.writer`) is not. While another thread reads
    a picture, one may be lost: Python's filters of warnings are not a thread's.

    Args:
        path: The picture.
        output: The result, or the folder it goes to; NAME.restored.png beside the
            picture by default.
        in_place: Write the result over the picture, when it is complete.
        overwrite: Replace files that are there.
        format: Of the result, "png", "webp", "tiff" or "jpeg"; by default as the suffix
            of `output` says.
        jpeg_quality: Of a JPEG result, 1 to 100.
        strip: Carry over the colour profile only.
        compare: Draw before and after side by side: NAME.png, or a folder.
        strict: Refuse a JPEG with damaged data.
        salvage: Take what is there of a truncated JPEG or PNG.
        limits: Of what is read; those of the command by default.
        **options: Of `Options`, as for `restore`.

    Returns:
        The path of the result; None if the picture was left alone, as clean or as
        restored in place before.

    Raises:
        PictureError: The picture cannot be read, or the result not be written.
        FileExistsError: The result or the comparison is there.
        ValueError: An option is out of range, or a result would be written over the
            picture.
        OSError: The weights cannot be read.
    """
    words = Options(**options)
    if format not in (None, *SUFFIXES):
        raise ValueError(f"Expected a format of {', '.join(SUFFIXES)}, got {format!r}.")
    if not 1 <= jpeg_quality <= 100:
        raise ValueError(f"Expected a jpeg_quality of 1 to 100, got {jpeg_quality}.")
    if in_place and format is not None:
        raise ValueError("In place, a picture keeps its format.")
    if in_place and not words.strength:
        raise ValueError("A strength of 0 changes nothing: nothing is to be replaced.")
    job = plan_job(
        Path(path),
        None if output is None else os.fspath(output),
        SUFFIXES[format or "png"],
        in_place,
        None if compare is None else Path(compare),
    )
    if not in_place:
        named = output_format(job.target.suffix)
        if format not in (None, named):
            raise ValueError(f"{job.target}: the name says {named}, format {format}.")
        if os.path.isfile(job.target) and not overwrite:
            raise FileExistsError(f"{job.target} exists; overwrite=True replaces it.")
    if job.comparison and os.path.isfile(job.comparison) and not overwrite:
        raise FileExistsError(f"{job.comparison} exists; overwrite=True replaces it.")
    files = FileOptions(
        format,
        jpeg_quality,
        strip,
        words.depth,
        overwrite,
        strict,
        salvage,
        limits or Limits(),
    )
    record = _Last()
    Runner(lambda: _restorer(words), files, record).run([job])
    return record.result()


class _Last:
    """In the place of a `Reporter`: keeps what became of the picture."""

    def on_tile(self, done: int, total: int) -> None:
        pass

    def tell(self, record: Record) -> None:
        self._record = record

    def result(self) -> Path | None:
        record = self._record
        for warning in record.warnings:
            warnings.warn(f"{record.input}: {warning}", stacklevel=3)
        if record.status == FAILED:
            raise PictureError(record.input, record.reason)
        return None if record.status == SKIPPED else Path(record.output)
