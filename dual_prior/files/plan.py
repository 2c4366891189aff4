"""What is to be restored, and where each result goes: decided before any work is done.

Files, folders (searched through, their tree kept), patterns, `-` for standard input.
"""

import dataclasses
import glob
import itertools
import os
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from dual_prior.files.settings import Settings
from dual_prior.pictures.formats import PICTURE_SUFFIXES, SUFFIXES, output_format

STANDARD_STREAM = "-"

_JPEG_START = b"\xff\xd8\xff"
_MARK, _COMPARED = ".restored", ".compared"
_MAX_NAME = 255  # bytes: the limit of nearly all file systems


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to restore.

    Attributes:
        source: The file, or None for standard input.
        target: The file to write, or None for standard output.
        comparison: Where before and after are drawn, or None.
        format: Of the result; None for the picture's own.
    """

    source: Path | None
    target: Path | None
    comparison: Path | None = None
    format: str | None = "png"

    @property
    def in_place(self) -> bool:
        """Whether the result is written over the source."""
        return self.source is not None and self.target == self.source

    @property
    def name(self) -> str:
        """What the source is called."""
        return "standard input" if self.source is None else os.fspath(self.source)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        jobs: In order.
        warnings: What a search left out, a sentence each.
        unsearched: Folders that could not be searched, a sentence each: there may be
            pictures in them.
    """

    jobs: list[Job] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    unsearched: list[str] = dataclasses.field(default_factory=list)


class UsageError(ValueError):
    """What was asked for cannot be meant."""


def plan_jobs(
    inputs: Sequence[str],
    settings: Settings | None,
    output: str | None = None,
    compare: Path | None = None,
) -> Plan:
    """The jobs that the user's words stand for.

    Args:
        inputs: Files, folders, patterns, or `-` alone.
        settings: How results are written; None if there are to be none.
        output: A file for one picture, else a folder, in which each folder searched has
            one of its name where there are several inputs; `-` for standard output;
            None for beside each input.
        compare: Where before and after are drawn: a PNG file for one picture, else a
            folder, in which the tree of a folder searched is kept.

    Raises:
        UsageError: Two files to be written would have one name, or one of them an
            input's (unless in place), or a name contradicts the settings.
    """
    try:
        return _plan(inputs, settings, output, compare)
    except OSError as error:  # a name too long, or a current folder that is gone
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{error.filename or 'the current folder'}: {reason}"
        ) from error


def _plan(
    inputs: Sequence[str],
    settings: Settings | None,
    output: str | None,
    compare: Path | None,
) -> Plan:
    if "" in inputs or output == "":
        # Of a variable that is not set; as a path it would be the current folder.
        raise UsageError("Expected the name of a file or a folder, got an empty one.")
    in_place = settings is not None and settings.in_place
    if STANDARD_STREAM in inputs:
        job = _stream_job(inputs, output, in_place)
        places = [Path("standard input")]
        return Plan(_finished([job], places, settings, compare))
    plan = Plan()
    found = [
        item for text in inputs for item in _expand(text, plan, len(inputs) > 1)
    ]  # (file, its place among the results)
    # However often and in whatever words it was named, a file is one picture; and by
    # whatever link, where it is to be replaced.
    absolute = os.path.realpath if in_place else os.path.abspath
    once: dict[str, tuple[Path, Path]] = {}
    for item in found:
        once.setdefault(absolute(item[0]), item)
    found = list(once.values())
    if settings is None:
        jobs = [Job(source, None) for source, _ in found]
    elif output == STANDARD_STREAM and not in_place:
        if len(found) != 1:
            raise UsageError("--output -: standard output takes one picture.")
        jobs = [Job(found[0][0], None)]
    else:
        one = found[0][0] if len(inputs) == 1 == len(found) else None
        is_named = one is not None and one == Path(inputs[0])
        jobs = _with_targets(found, settings, output, is_named)
    jobs = _finished(jobs, [place for _, place in found], settings, compare)
    return dataclasses.replace(plan, jobs=jobs)


def plan_job(
    source: Path,
    settings: Settings,
    output: str | None = None,
    compare: Path | None = None,
) -> Job:
    """The job of one file, whatever its name. Args and Raises: as for `plan_jobs`."""
    place = Path(source.name)
    jobs = _with_targets([(source, place)], settings, output, is_named=True)
    return _finished(jobs, [place], settings, compare)[0]


def _stream_job(inputs: Sequence[str], output: str | None, in_place: bool) -> Job:
    if len(inputs) > 1 or in_place:
        raise UsageError("- (standard input) stands alone, and never with --in_place.")
    if sys.stdin is None:
        raise UsageError("- (standard input) is closed.")
    if output in (None, STANDARD_STREAM):
        return Job(None, None)
    if output.endswith(os.sep) or os.path.isdir(output):
        raise UsageError(f"{output}: standard input has no name; give a file.")
    return Job(None, Path(output))


def _expand(text: str, plan: Plan, named: bool) -> Iterator[tuple[Path, Path]]:
    """(file, its place among the results) of each picture.

    The place is relative to the folder that was named, or to the part of a pattern that
    is no pattern; with `named`, to the folder that holds the folder.
    """
    path = Path(text)
    if os.path.isdir(path):
        # "..", too, has a name of its own.
        above = Path(os.path.basename(os.path.abspath(path)) if named else "")
        for picture in _search(path, plan):
            yield picture, above / picture.relative_to(path)
    elif not os.path.lexists(path) and glob.has_magic(text):
        fixed = itertools.takewhile(lambda p: not glob.has_magic(p), path.parts)
        folder = Path(*fixed)
        pictures = _matches(folder, path.relative_to(folder))
        if not pictures:
            raise UsageError(f"{text}: no picture matches this pattern.")
        yield from ((picture, picture.relative_to(folder)) for picture in pictures)
    else:
        yield path, Path(path.name)


def _matches(folder: Path, pattern: Path) -> list[Path]:
    """The pictures below a folder that a pattern stands for, none in hidden folders.

    Other than `glob.glob`, `Path.glob` follows no links by `**`, which may lead back.
    """
    if pattern.name == "**":  # as the shell has it, files too
        pattern = pattern / "*"
    try:
        matches = sorted(folder.glob(str(pattern)))
    except ValueError as error:
        raise UsageError(f"{pattern}: {error}") from error
    hidden = {part for part in pattern.parts if part.startswith(".")}
    return [
        path
        for path in matches
        if _is_picture(path)
        and not os.path.isdir(path)
        and not any(
            part.startswith(".") and part not in hidden
            for part in path.relative_to(folder).parts
        )
    ]


def _search(folder: Path, plan: Plan) -> Iterator[Path]:
    """The pictures below a folder, in the order of their names."""
    seen = set()
    found = 0

    def on_error(error: OSError):
        plan.unsearched.append(
            f"{error.filename}: cannot be searched ({error.strerror})"
        )

    for place, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        try:
            status = os.stat(place)
        except OSError as error:
            on_error(error)
            folders.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:  # a link led back
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if not _is_picture(path):
                continue
            # What may not even be looked at is told when it cannot be read.
            if os.path.exists(path) and not os.path.isfile(path):
                plan.warnings.append(f"{path}: not a regular file, skipped")
                continue
            found += 1
            yield path
    if not found:
        plan.warnings.append(f"{folder}: no pictures in this folder")


def _is_picture(path: Path) -> bool:
    if path.name.startswith(".") or Path(path.stem).suffix in (_MARK, _COMPARED):
        return False  # hidden, or a result of an earlier run
    return path.suffix.lower() in PICTURE_SUFFIXES or _begins_as_jpeg(path)


def _begins_as_jpeg(path: Path) -> bool:
    """Whether a file is a JPEG whatever it is called, as recovered files often are."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with open(path, "rb") as file:
            return file.read(len(_JPEG_START)) == _JPEG_START
    except OSError:
        return False


def _with_targets(
    found: Sequence[tuple[Path, Path]],
    settings: Settings,
    output: str | None,
    is_named: bool,
) -> list[Job]:
    """The jobs of (file, its place); `is_named`: one file, by its own name."""
    if settings.in_place:
        if output is not None:
            raise UsageError("in_place and output exclude each other.")
        return [Job(source, source, format=None) for source, _ in found]
    is_folder = output is not None and (
        not is_named or output.endswith(os.sep) or os.path.isdir(output)
    )
    if output is not None and not is_folder:
        return [Job(source, Path(output)) for source, _ in found]
    ending = _MARK + SUFFIXES[settings.format or "png"]

    def targets(name_of) -> list[Path]:
        return [
            (source.parent if output is None else Path(output, place.parent))
            / _fitting(name_of(source), ending)
            for source, place in found
        ]

    short, long = targets(lambda p: p.stem), targets(lambda p: p.name)
    # a.jpg and a.png give a.jpg.restored.png and a.png.restored.png.
    times = Counter(short)
    return [
        Job(source, short[i] if times[short[i]] == 1 else long[i])
        for i, (source, _) in enumerate(found)
    ]


def _finished(
    jobs: Sequence[Job],
    places: Sequence[Path],
    settings: Settings | None,
    compare: Path | None,
) -> list[Job]:
    """The jobs with their formats and comparisons, all names checked."""
    if settings is not None:
        jobs = [_with_format(job, settings) for job in jobs]
    jobs = _with_comparisons(jobs, places, compare)
    _check(jobs, settings is not None and settings.in_place)
    return jobs


def _with_format(job: Job, settings: Settings) -> Job:
    if settings.in_place:
        return job
    format = settings.format or "png"
    if job.target is not None:
        try:
            format = output_format(job.target.suffix)
        except ValueError as error:
            raise UsageError(
                f"{job.target}: {error} The name of a new folder ends in /."
            ) from error
    if settings.format not in (None, format):
        raise UsageError(
            f"{job.target}: the name says {format}, format says {settings.format}."
        )
    if settings.depth == 16 and format in ("webp", "jpeg"):
        raise UsageError(f"A depth of 16 is for PNG and TIFF results, not {format}.")
    return dataclasses.replace(job, format=format)


def _with_comparisons(
    jobs: Sequence[Job], places: Sequence[Path], compare: Path | None
) -> list[Job]:
    if compare is None:
        return list(jobs)
    suffix = compare.suffix.lower()
    if suffix in PICTURE_SUFFIXES - {".png"}:
        raise UsageError(f"--compare: expected a name NAME.png, got {compare}.")
    if suffix == ".png":
        if len(jobs) > 1:
            raise UsageError(
                f"{compare}: drawn of one picture, and there are {len(jobs)}. "
                "For several, `restore --compare` takes a folder."
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


def _fitting(name: str, ending: str) -> str:
    """`name` and `ending`, of which the former is cut to what file systems take."""
    room = _MAX_NAME - len(os.fsencode(ending))
    while len(os.fsencode(name)) > room:
        name = name[:-1]
    return name + ending


def _check(jobs: Sequence[Job], in_place: bool) -> None:
    sources = {os.path.realpath(job.source) for job in jobs if job.source}
    taken: dict[str, Job] = {}
    for job in jobs:
        for path in filter(None, (job.target, job.comparison)):
            key = os.path.realpath(path)
            if key in sources and not (in_place and path == job.source):
                raise UsageError(
                    f"{path} is an input. Results are written over inputs with "
                    "--in_place only, and nothing else is."
                )
            if key in taken:
                if taken[key] is job:
                    raise UsageError(
                        f"The result and the comparison would both become {path}."
                    )
                raise UsageError(
                    f"{taken[key].name} and {job.name} would both become {path}. "
                    "Restore them into different folders."
                )
            taken[key] = job
