"""Decides where the result of each picture goes, before any work starts."""

import contextlib
import dataclasses
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from dual_prior.files.address import STORES, Address, located
from dual_prior.files.record import FAILED, Record
from dual_prior.files.search import Search, UsageError
from dual_prior.files.settings import Settings
from dual_prior.pictures.formats import (
    KNOWN_SUFFIXES,
    LOSSY,
    SUBSAMPLED,
    SUFFIXES,
    missing_package,
    output_format,
)
from dual_prior.system.text import one_line

STANDARD_STREAM = "-"

_COMPARED = ".compared"
_MAX_NAME = 255  # bytes: the limit of nearly all file systems


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to restore.

    Attributes:
        source: The file, or None for standard input.
        target: The file to write, or None for standard output.
        comparison: The image that shows before and after, or None.
        copy: Where a clean picture is copied to, which is not restored; None where it
            is left out: in place, beside its source, and on standard output.
        format: Of the result; None for the picture's own.
    """

    source: Path | None
    target: Path | None
    comparison: Path | None = None
    format: str | None = "png"
    copy: Path | None = None

    @property
    def in_place(self) -> bool:
        """Whether the result is written over the source."""
        return self.source is not None and self.target == self.source

    @property
    def name(self) -> str:
        """The name of the source in messages."""
        return "standard input" if self.source is None else os.fspath(self.source)

    @property
    def outputs(self) -> list[Path]:
        """The files to write."""
        copy = None if self.copy == self.target else self.copy
        paths = (self.target, copy, self.comparison)
        return [path for path in paths if path is not None]


@dataclasses.dataclass(frozen=True)
class Plan:
    """The jobs of a run, and the pictures that cannot be restored.

    Attributes:
        jobs: In order.
        refused: Pictures whose result would overwrite an input, or the result of
            another picture.
        search: What was searched for pictures, and what was skipped there.
    """

    jobs: list[Job]
    refused: list[Record]
    search: Search


def plan_jobs(
    inputs: Sequence[str],
    settings: Settings | None,
    output: str | None = None,
    compare: Path | None = None,
) -> Plan:
    """Finds the pictures and names their results.

    The name of a result depends on its source alone, not on the files beside it.

    Args:
        inputs: Files, folders, patterns, addresses as s3://bucket/photos, or `-`
            (standard input) alone.
        settings: How results are written; None if none are written.
        output: A file for one picture, else a folder. With several inputs, each input
            folder gets a subfolder of its name. `-` for standard output; None to write
            beside each input.
        compare: A PNG file for the comparison of one picture, else a folder, in which
            the tree of an input folder is kept.

    Raises:
        UsageError: The request cannot be carried out for any picture.
    """
    if "" in inputs or output == "":
        # From an unset variable; as a path, it would be the current folder.
        raise UsageError("Expected the name of a file or a folder, got an empty one.")
    in_place = settings is not None and settings.in_place
    marks = {_COMPARED, Settings.suffix, (settings or Settings()).suffix} - {""}
    try:
        if STANDARD_STREAM in inputs:
            _check_stream(inputs, settings, output)
            search = Search([], marks)
            found: list[_Found] = [(None, Path("standard input"))]
            is_one_file = True
        else:
            search = Search(inputs, marks, by_links=in_place)
            found = [*search.pictures]
            is_one_file = [path for path, _ in found] == [located(inputs[0])]
        if output == STANDARD_STREAM and len(found) != 1 and not in_place:
            raise UsageError("--output -: standard output takes one picture.")
        jobs = _jobs(found, settings, output, compare, is_one_file)
        _check_stores(jobs, settings)
        clashes = _clashes(jobs, in_place)
    except OSError as error:  # a name too long, or a current folder that is gone
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{error.filename or 'the current folder'}: {reason}"
        ) from error
    if clashes and len(jobs) == 1:
        raise UsageError(clashes[0].reason)
    refused = {record.input for record in clashes}
    return Plan([job for job in jobs if job.name not in refused], clashes, search)


def plan_job(
    source: Path,
    settings: Settings,
    output: str | None = None,
    compare: Path | None = None,
) -> Job:
    """The job of one file, whatever its name. Args and Raises: as for `plan_jobs`."""
    if output == STANDARD_STREAM:
        raise UsageError(f"Expected the name of a file or a folder, got {output!r}.")
    found: list[_Found] = [(source, Path(source.name))]
    jobs = _jobs(found, settings, output, compare, is_one_file=True)
    _check_stores(jobs, settings)
    for record in _clashes(jobs, settings.in_place):
        raise UsageError(record.reason)
    return jobs[0]


# A file, or None for standard input, and its place among the results.
_Found = tuple[Path | None, Path]


def _check_stream(
    inputs: Sequence[str], settings: Settings | None, output: str | None
) -> None:
    if len(inputs) > 1 or (settings is not None and settings.in_place):
        raise UsageError("- (standard input) excludes other inputs and --in-place.")
    if sys.stdin is None:
        raise UsageError("- (standard input) is closed.")
    if output is not None and (output.endswith(os.sep) or os.path.isdir(output)):
        raise UsageError(f"{output}: standard input has no name; give a file.")


def _jobs(
    found: Sequence[_Found],
    settings: Settings | None,
    output: str | None,
    compare: Path | None,
    is_one_file: bool,
) -> list[Job]:
    if settings is None:
        jobs = [Job(source, None) for source, _ in found]
    elif settings.in_place:
        if output is not None:
            raise UsageError("in_place and output exclude each other.")
        jobs = [Job(source, source, format=None) for source, _ in found]
    else:
        if output is not None and os.path.isdir(output):
            output = os.path.join(output, "")
        elif output is not None and not is_one_file:
            if Path(output).suffix.lower() in KNOWN_SUFFIXES and output[-1] != os.sep:
                raise UsageError(
                    f"{output}: expected a folder for several results, got the name of "
                    "a picture. The name of a new folder ends in /."
                )
            output = os.path.join(output, "")
        jobs = [_job(source, place, settings, output) for source, place in found]
        formats = {job.format for job in jobs}
        if formats and settings.quality is not None and not formats & LOSSY:
            raise UsageError(
                "quality is for JPEG, WebP, AVIF and JPEG XL results: see --format."
            )
        if formats and settings.subsampling == 420 and not formats & SUBSAMPLED:
            raise UsageError("subsampling is for JPEG and AVIF results: see --format.")
    return _with_comparisons(jobs, [place for _, place in found], compare)


def _job(
    source: Path | None, place: Path, settings: Settings, output: str | None
) -> Job:
    """The job of a picture; an `output` that ends in / is a folder."""
    ending, copy = SUFFIXES["png"], None
    if settings.format == "same":
        with contextlib.suppress(ValueError):  # PNG for formats that are not written
            if missing_package(output_format(place.suffix)) is None:
                ending = place.suffix
    elif settings.format is not None:
        ending = SUFFIXES[settings.format]
    if output == STANDARD_STREAM or (source is None and output is None):
        target = None
    elif output is not None and not output.endswith(os.sep):
        target = copy = located(output)
    else:
        if output is None and not settings.suffix:
            raise UsageError(
                "An empty suffix needs an output folder: beside their sources, results "
                "would look like more pictures."
            )
        folder = located(output) / place.parent if output else (source or Path()).parent
        name = place.name if settings.long_names else place.stem
        # A later run must not mistake a part for the result of the whole.
        part = f".{settings.crop}" if settings.crop else ""
        target = folder / _fitting(name, part + settings.suffix + ending)
        if source is not None and folder.resolve() != source.parent.resolve():
            # Byte for byte, it is of the source's format, unless another one is wanted.
            own = settings.format in (None, "same") and not settings.crop
            copied = place.suffix if own else ending
            copy = folder / _fitting(name, part + settings.suffix + copied)
    try:
        format = output_format(ending if target is None else target.suffix)
    except ValueError as error:
        raise UsageError(
            f"{target}: {error} The name of a new folder ends in /."
        ) from error
    if package := missing_package(format):
        raise UsageError(f"{target}: {format} results need pip install '{package}'.")
    if settings.format not in (None, "same", format):
        raise UsageError(
            f"{target}: the name says {format}, format says {settings.format}."
        )
    if (
        settings.depth == 16
        and format in LOSSY
        and settings.format != "same"  # then only these pictures fail
    ):
        raise UsageError(f"A depth of 16 is for PNG and TIFF results, not {format}.")
    return Job(source, target, format=format, copy=copy)


def _with_comparisons(
    jobs: Sequence[Job], places: Sequence[Path], compare: Path | None
) -> list[Job]:
    if compare is None:
        return list(jobs)
    suffix = compare.suffix.lower()
    if suffix in KNOWN_SUFFIXES - {".png"}:
        raise UsageError(f"--compare: expected a name NAME.png, got {compare}.")
    if suffix == ".png":
        if len(jobs) > 1:
            raise UsageError(
                f"{compare}: one image for {len(jobs)} pictures. For several, "
                "`restore --compare` takes a folder."
            )
        return [dataclasses.replace(job, comparison=compare) for job in jobs]
    return [
        dataclasses.replace(
            job,
            comparison=compare
            / place.parent
            / _fitting(place.name, f"{_COMPARED}.png"),
        )
        for job, place in zip(jobs, places, strict=True)
    ]


def _check_stores(jobs: Sequence[Job], settings: Settings | None) -> None:
    """Checks that results can go where they are to go, if that is in a store.

    Raises:
        UsageError: They cannot.
    """
    outputs = [path for job in jobs for path in job.outputs]
    stored = [path for path in outputs if isinstance(path, Address)]
    if stored and settings is not None and settings.preserve_times:
        raise UsageError(f"{stored[0]}: objects get no other date (--preserve-times).")
    for path in {path.scheme: path for path in stored}.values():
        if path.scheme not in STORES:
            raise UsageError(
                f"{path}: results would be seen there before they are complete. They "
                f"can go to {', '.join(STORES)}, or to a folder that is mounted."
            )
        try:
            path.store()
        except Exception as error:  # stores raise nearly everything
            raise UsageError(f"{path}: {one_line(error)}") from error


def _fitting(name: str, ending: str) -> str:
    """`name` and `ending`; the name is cut to the length that file systems allow."""
    room = _MAX_NAME - len(os.fsencode(ending))
    while len(os.fsencode(name)) > room:
        name = name[:-1]
    return name + ending


def _clashes(jobs: Sequence[Job], in_place: bool) -> list[Record]:
    """A failure for each picture that would overwrite an input or another result.

    Of several pictures with one result, none is restored: which one was meant is not
    known.
    """
    sources = {os.path.realpath(job.source) for job in jobs if job.source}
    writers = defaultdict(list)
    for job in jobs:
        for path in job.outputs:
            writers[os.path.realpath(path)].append(job.name)
    records = {}
    for job in jobs:
        for path in job.outputs:
            file = os.path.realpath(path)
            others = [name for name in writers[file] if name != job.name]
            if file in sources and not (in_place and path == job.source):
                reason = (
                    f"{path} is an input. Inputs are only overwritten with --in-place, "
                    "by their own results."
                )
            elif others:
                reason = (
                    f"{others[0]} would also become {path}; --long-names or another "
                    "--output keeps them apart"
                )
            elif len(writers[file]) > 1:
                reason = f"The result and the comparison would both become {path}."
            else:
                continue
            records[job.name] = Record(job.name, None, FAILED, reason)
    return list(records.values())
