"""What is to be restored, and where each result goes: decided before any work is done.

Files, folders (searched through, their tree kept), patterns, `-` for standard input.
"""

import dataclasses
import glob
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

# What a search through a folder takes for pictures, besides what begins as JPEGs do;
# files named by the user may be called anything.
PICTURE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp")
)

STANDARD_STREAM = "-"

_JPEG_START = b"\xff\xd8\xff"
_MARK = ".restored"
_COMPARED = ".compared.png"
_MAX_NAME = 255  # bytes: the limit of nearly all file systems


@dataclasses.dataclass(frozen=True)
class Job:
    """One picture to restore.

    Attributes:
        source: The file, or None for standard input.
        target: The file to write, or None for standard output.
        comparison: Where before and after are drawn, or None.
    """

    source: Path | None
    target: Path | None
    comparison: Path | None = None

    @property
    def name(self) -> str:
        """What the source is called."""
        return "standard input" if self.source is None else os.fspath(self.source)


class UsageError(ValueError):
    """What was asked for cannot be meant."""


def plan_jobs(
    inputs: Sequence[str],
    output: str | None,
    suffix: str | None,
    in_place: bool = False,
    compare: Path | None = None,
) -> tuple[list[Job], list[str]]:
    """The jobs that the user's words stand for, in order.

    Args:
        inputs: Files, folders, patterns, or `-` alone.
        output: A file for one picture, else a folder; None for beside each input.
        suffix: Of the results, for instance ".png"; a named output file keeps its own.
            None if there are to be none.
        in_place: Write each result over its input.
        compare: Where before and after are drawn: a PNG file for one picture, else a
            folder, in which the tree of a folder searched is kept.

    Returns:
        The jobs, and warnings about what a search left out.

    Raises:
        UsageError: Two files to be written would have one name, or one of them an
            input's (unless in place), or options exclude each other.
    """
    if in_place and output is not None:
        raise UsageError("--in_place and --output exclude each other.")
    if STANDARD_STREAM in inputs:
        job = _stream_job(inputs, output, in_place)
        jobs = _with_comparisons([job], [Path("standard input")], compare)
        _check(jobs, in_place)
        return jobs, []
    warnings = []
    found = [
        item for text in inputs for item in _expand(text, warnings)
    ]  # (file, its place under the searched folder)
    if suffix is None:
        jobs = [Job(source, None) for source, _ in found]
    elif in_place:
        jobs = [Job(source, source) for source, _ in found]
    else:
        is_folder = output is not None and (
            len(inputs) > 1
            or output.endswith(os.sep)
            or os.path.isdir(output)
            or [path for path, _ in found] != [Path(inputs[0])]
        )
        jobs = _named(found, output, is_folder, suffix)
    jobs = _with_comparisons(jobs, [place for _, place in found], compare)
    _check(jobs, in_place)
    return jobs, warnings


def _stream_job(inputs: Sequence[str], output: str | None, in_place: bool) -> Job:
    if len(inputs) > 1 or in_place:
        raise UsageError("- (standard input) stands alone, and never with --in_place.")
    if output in (None, STANDARD_STREAM):
        return Job(None, None)
    if output.endswith(os.sep) or os.path.isdir(output):
        raise UsageError(f"{output}: standard input has no name; give a file.")
    return Job(None, Path(output))


def _expand(text: str, warnings: list[str]) -> Iterator[tuple[Path, Path]]:
    """(file, its path relative to the folder that was named) of each picture."""
    path = Path(text)
    if os.path.isdir(path):
        yield from _search(path, warnings)
    elif not os.path.lexists(path) and glob.has_magic(text):
        matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
        pictures = [match for match in matches if _is_picture(match)]
        if not pictures:
            raise UsageError(f"{text}: no picture matches this pattern.")
        yield from ((picture, Path(picture.name)) for picture in pictures)
    else:
        yield path, Path(path.name)


def _search(folder: Path, warnings: list[str]) -> Iterator[tuple[Path, Path]]:
    """The pictures below a folder, in the order of their names."""
    seen = set()
    found = 0

    def on_error(error: OSError):
        warnings.append(f"{error.filename}: cannot be searched ({error.strerror})")

    for place, folders, files in os.walk(folder, onerror=on_error, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:  # a link led back
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if not _is_picture(path):
                continue
            if path.exists() and not stat.S_ISREG(path.stat().st_mode):
                warnings.append(f"{path}: not a regular file, skipped")
                continue
            found += 1
            yield path, path.relative_to(folder)
    if not found:
        warnings.append(f"{folder}: no pictures in this folder")


def _is_picture(path: Path) -> bool:
    if path.name.startswith(".") or Path(path.stem).suffix == _MARK:
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


def _named(
    found: Sequence[tuple[Path, Path]], output: str | None, is_folder: bool, suffix: str
) -> list[Job]:
    if output is not None and not is_folder:
        return [Job(source, Path(output)) for source, _ in found]

    def targets(name_of) -> list[Path]:
        return [
            (source.parent if output is None else Path(output, place.parent))
            / _fitting(name_of(source), _MARK + suffix)
            for source, place in found
        ]

    short, long = targets(lambda p: p.stem), targets(lambda p: p.name)
    # a.jpg and a.png give a.jpg.restored.png and a.png.restored.png.
    times = Counter(short)
    return [
        Job(source, short[i] if times[short[i]] == 1 else long[i])
        for i, (source, _) in enumerate(found)
    ]


def _with_comparisons(
    jobs: Sequence[Job], places: Sequence[Path], compare: Path | None
) -> list[Job]:
    if compare is None:
        return list(jobs)
    if compare.suffix.lower() == ".png":
        if len(jobs) > 1:
            raise UsageError(f"{compare}: a picture of one; give a folder for several.")
        return [dataclasses.replace(job, comparison=compare) for job in jobs]
    return [
        dataclasses.replace(
            job, comparison=compare / place.parent / _fitting(place.name, _COMPARED)
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
    taken = {}
    for job in jobs:
        for path in filter(None, (job.target, job.comparison)):
            key = os.path.realpath(path)
            if key in sources and not (in_place and path == job.source):
                raise UsageError(
                    f"{path} is an input. Results are written over inputs with "
                    "--in_place only, and nothing else is."
                )
            if key in taken:
                raise UsageError(
                    f"{taken[key]} and {job.name} would both become {path}. "
                    "Restore them into different folders."
                )
            taken[key] = job.name
