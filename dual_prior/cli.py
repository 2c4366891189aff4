"""The `dual-prior` command: restores pictures that JPEG has damaged.

Arguments and inputs are checked before Keras is imported, so that a mistake is answered
at once.
"""

import argparse
import functools
import json
import os
import sys
from pathlib import Path

from dual_prior import __version__
from dual_prior.files.plan import Plan, UsageError, plan_jobs
from dual_prior.network.presets import DEFAULT_PRESET, PRESETS
from dual_prior.pictures.formats import SUFFIXES
from dual_prior.restoration.options import MIN_MEMORY_GIB, Options
from dual_prior.restoration.restorer import overlapping
from dual_prior.system import signals
from dual_prior.system.atomic_file import remove_leftovers
from dual_prior.system.signals import Terminated
from dual_prior.system.streams import to_standard_error
from dual_prior.system.text import one_line, shown

_RESTORE_EXAMPLES = """\
examples:
  dual-prior restore photo.jpg                      writes photo.restored.png beside it
  dual-prior restore photo.jpg --output clean.webp
  dual-prior restore photos --output restored       a folder, its tree kept
  dual-prior restore 'scans/**/*.jpg' --format tiff --depth 16
  dual-prior restore photo.jpg --strength 0.5 --output half.png --compare compared.png
  dual-prior restore - < photo.jpg > photo.png

exit codes: 0 every picture has its result, or was left alone by --skip_clean;
1 some failed; 2 wrong usage
"""

_INSPECT_EXAMPLES = """\
examples:
  dual-prior inspect photo.jpg
  dual-prior inspect photo.jpg --figure stages.png
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 if every input has its output, 1 if any failed, 2 for wrong usage, 130 after
        Ctrl-C, 143 after SIGTERM.
    """
    try:
        arguments = _parsed(argv)
        code = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except UsageError as error:
        _complain(error)
        return 2
    except _NoNetwork as error:
        _complain(error)
        return 1
    except Terminated:
        print("Terminated.", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except OSError as error:  # all that concerns pictures has been caught before
        if not isinstance(error, BrokenPipeError):  # whoever read it has left
            _complain(f"standard output: {error.strerror or error}".lower())
        # What is left in the buffer would fail again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _parsed(argv: list[str] | None) -> argparse.Namespace:
    try:
        return _parser().parse_args(argv)
    finally:  # what --help printed: a failure when Python ends is told by Python
        sys.stdout.flush()


def run() -> None:
    """Entry point of the installed command."""
    signals.install()
    _open_closed_streams()
    # Names that are no valid text must not fail the line that reports them.
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())


def _open_closed_streams() -> None:
    """Puts something in the place of what the shell closed, as by `>&-`.

    The next file to be opened would have its number, and be a result that libraries
    print into. Standard output can then not be written to, and says so.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _complain(sentence: object) -> None:
    with to_standard_error():
        print(f"dual-prior: {shown(str(sentence))}", file=sys.stderr)


class _NoNetwork(Exception):
    """The network cannot be had: no picture can be restored."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dual-prior",
        description="Removes JPEG artifacts with a deep unfolding network.",
    )
    parser.add_argument(
        "--version", action="version", version=f"dual-prior {__version__}"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_restore(commands)
    _add_inspect(commands)
    return parser


def _add_restore(commands) -> None:
    restore = commands.add_parser(
        "restore",
        help="restore pictures",
        description="Restores pictures: JPEGs, and PNG, WebP, TIFF and BMP files that "
        "were JPEGs once. Originals are not touched unless --in_place is said.",
        epilog=_RESTORE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    restore.set_defaults(run=_restore)
    restore.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a file, a folder (searched through), a pattern, or - (standard input)",
    )
    where = restore.add_argument_group("results")
    where.add_argument(
        "--output",
        metavar="PATH",
        help="a file for one picture, else a folder, which has one for each of several "
        "folders; a new folder for one picture ends in /; - for standard output "
        "(default: NAME.restored.png beside each input)",
    )
    where.add_argument(
        "--in_place",
        action="store_true",
        help="write each result over its input, when it is complete, with a mark by "
        "which a second run knows it, and leaves it alone",
    )
    where.add_argument(
        "--overwrite",
        action="store_true",
        help="replace what is there (default: skip pictures that have a result, and "
        "draw over nothing)",
    )
    where.add_argument(
        "--format",
        choices=SUFFIXES,
        help="of the results (default: by the suffix of --output, else png)",
    )
    where.add_argument(
        "--quality",
        type=_between(1, 100, int),
        default=95,
        metavar="N",
        help="of JPEG results, which are 4:4:4 (default: %(default)s)",
    )
    where.add_argument(
        "--depth",
        type=int,
        choices=(8, 16),
        help="bits a channel; 16 for PNG and TIFF only (default: the picture's own)",
    )
    where.add_argument(
        "--strip",
        action="store_true",
        help="leave EXIF, XMP and resolution out; the colour profile stays",
    )
    where.add_argument(
        "--compare",
        metavar="PATH",
        type=_path,
        help="draw before and after side by side: NAME.png, or a folder",
    )
    how = restore.add_argument_group("restoring")
    _add_network(how)
    how.add_argument(
        "--strength",
        type=_between(0, 1, float),
        default=Options.strength,
        metavar="S",
        help="0 (the pixels stay as they are) to 1 (default: %(default)s)",
    )
    how.add_argument(
        "--ensemble",
        action="store_true",
        help="restore all eight flips and rotations, and take the mean: eight times as "
        "slow, a little better",
    )
    how.add_argument(
        "--skip_clean",
        action="store_true",
        help="leave pictures alone that do not look compressed: they get no result; to "
        "standard output they go as they are",
    )
    how.add_argument(
        "--max_memory",
        type=_between(MIN_MEMORY_GIB, 4096, float),
        default=Options.max_memory,
        metavar="GIB",
        help="of the whole process: larger pictures are restored in smaller tiles "
        "(default: %(default)s)",
    )
    _add_reading(restore)
    telling = restore.add_argument_group("reports")
    telling.add_argument(
        "--quiet", action="store_true", help="print errors and warnings only"
    )
    telling.add_argument(
        "--json", action="store_true", help="print one line of JSON a picture"
    )


def _add_inspect(commands) -> None:
    inspect = commands.add_parser(
        "inspect",
        help="tell how pictures were compressed",
        description="Tells the quantization tables and the quality they stand for, the "
        "chroma subsampling, how blocky a picture is, and how surely the classifier "
        "takes it for compressed.",
        epilog=_INSPECT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.set_defaults(run=_inspect)
    inspect.add_argument("inputs", nargs="+", metavar="INPUT", help="as of restore")
    inspect.add_argument(
        "--figure",
        metavar="PATH",
        type=_path,
        help="draw what the network does, stage by stage: NAME.png, for one picture",
    )
    inspect.add_argument(
        "--overwrite", action="store_true", help="replace a figure that is there"
    )
    inspect.add_argument(
        "--json",
        action="store_true",
        help="print one line of JSON for each picture that can be read",
    )
    _add_network(inspect)
    _add_reading(inspect)


def _add_network(group) -> None:
    group.add_argument(
        "--preset",
        default=DEFAULT_PRESET,
        choices=PRESETS,
        help="the network: photo for photographs; compact for the luma of JPEGs of "
        "quality 10 to 30; paper, of the paper's size, slow and far from fully trained "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--weights",
        metavar="FILE",
        help="a .weights.h5 file (default: those that ship with the preset)",
    )


def _add_reading(parser) -> None:
    reading = parser.add_argument_group("what is read")
    reading.add_argument(
        "--strict", action="store_true", help="refuse JPEGs with damaged data"
    )
    reading.add_argument(
        "--salvage",
        action="store_true",
        help="take what is there of truncated JPEG and PNG files; --strict goes before",
    )
    for flag, default, unit in (
        ("--max_megapixels", 100, "megapixels a picture"),
        ("--max_file_size", 64, "megabytes a file"),
        (
            "--max_scans",
            100,
            "scans of a JPEG, above 50 megapixels in proportion",
        ),
    ):
        reading.add_argument(
            flag,
            type=_between(1, 10**6, int),
            default=default,
            metavar="N",
            help=f"refuse more {unit} (default: %(default)s)",
        )


def _between(low, high, kind):
    def parse(text: str):
        value = kind(text)
        if not low <= value <= high:
            raise ValueError
        return value

    parse.__name__ = f"number from {low} to {high}"  # argparse names it in its message
    return parse


def _path(text: str) -> Path:
    if not text:  # of a variable that is not set: it would be the current folder
        raise argparse.ArgumentTypeError("expected a name, got an empty one")
    return Path(text)


def _restore(arguments: argparse.Namespace) -> int:
    from dual_prior.command.batch import FileOptions, Runner
    from dual_prior.command.report import Reporter

    named = Path(arguments.output or "").suffix.lower()
    suffix = SUFFIXES[arguments.format or "png"]
    if arguments.depth == 16 and (
        arguments.format in ("webp", "jpeg") or named in (".webp", ".jpg", ".jpeg")
    ):
        raise UsageError("--depth 16 is for PNG and TIFF results.")
    if arguments.in_place and not arguments.strength:
        raise UsageError("--strength 0 changes nothing: there is nothing to replace.")
    _check_network(arguments)
    plan = _planned(
        arguments.inputs,
        arguments.output,
        suffix,
        arguments.in_place,
        arguments.compare,
    )
    jobs = plan.jobs
    to_stdout = any(job.target is None for job in jobs)
    if to_stdout and sys.stdout.isatty():
        raise UsageError(
            "A picture is not for the terminal: say > FILE, or --output FILE."
        )
    _check_formats(arguments, jobs)
    reporter = Reporter(len(jobs), arguments.quiet, arguments.json, to_stderr=to_stdout)
    for warning in plan.warnings + plan.unsearched:
        reporter.warn(warning)
    options = FileOptions(
        arguments.format,
        arguments.quality,
        arguments.strip,
        arguments.depth,
        arguments.overwrite,
        arguments.strict,
        arguments.salvage,
        _limits(arguments),
        overlapping(arguments.max_memory),
    )
    Runner(functools.cache(lambda: _load(arguments)), options, reporter).run(jobs)
    reporter.close()
    # Nothing found is nothing restored.
    return 1 if reporter.failures or plan.unsearched or not jobs else 0


def _planned(*arguments, **options) -> Plan:
    try:
        return plan_jobs(*arguments, **options)
    except OSError as error:  # a name too long, or a current folder that is gone
        reason = (error.strerror or str(error)).lower()
        raise UsageError(
            f"{error.filename or 'the current folder'}: {reason}"
        ) from error


def _check_network(arguments: argparse.Namespace) -> None:
    """Refuses weights that there are not, before anything is imported."""
    weights = arguments.weights
    if weights is not None and not os.path.isfile(weights):
        raise UsageError(f"--weights {weights}: there is no such file.")


def _check_formats(arguments: argparse.Namespace, jobs: list) -> None:
    """Refuses names of results that say no format, or another than --format."""
    from dual_prior.pictures.formats import output_format

    if arguments.in_place:
        if arguments.format:
            raise UsageError("--in_place keeps the format: --format is for new files.")
        return
    for job in jobs:
        if job.target is None:
            continue
        try:
            named = output_format(job.target.suffix)
        except ValueError as error:
            raise UsageError(
                f"--output {job.target}: {error} The name of a new folder ends in /."
            ) from error
        if arguments.format not in (None, named):
            raise UsageError(
                f"{job.target}: the name says {named}, --format {arguments.format}."
            )


def _inspect(arguments: argparse.Namespace) -> int:
    from dual_prior.drawing.stages import stages_png
    from dual_prior.files.picture_file import picture_file
    from dual_prior.pictures.errors import PictureError
    from dual_prior.pictures.facts import description, description_text
    from dual_prior.pictures.reader import read_picture

    figure = arguments.figure
    if figure and figure.suffix.lower() != ".png":
        raise UsageError(f"--figure: expected a name NAME.png, got {figure}.")
    plan = _planned(arguments.inputs, None, None, compare=figure)
    if figure and os.path.lexists(figure) and not arguments.overwrite:
        raise UsageError(f"--figure: {figure} exists; --overwrite replaces it.")
    _check_network(arguments)
    for warning in plan.warnings + plan.unsearched:
        _complain(warning)
    if figure:
        remove_leftovers(os.path.dirname(os.path.realpath(figure)))
    limits, restorer = _limits(arguments), None
    failures = len(plan.unsearched)
    for job in plan.jobs:
        signals.raise_if_requested()
        try:
            picture = read_picture(
                job.source or sys.stdin.buffer,
                limits,
                strict=arguments.strict,
                salvage=arguments.salvage,
                name=job.name,
            )
            restorer = restorer or _load(arguments)
            facts = description(picture, restorer.probability(picture.pixels))
            if figure:
                with picture_file(figure) as write:
                    write(stages_png(restorer, picture.pixels))
        except _NoNetwork:
            raise
        except PictureError as error:
            _complain(error)
            failures += 1
            continue
        except Exception as error:  # of a backend: mostly, that it has no memory left
            _complain(f"{job.name}: cannot be inspected ({one_line(error)})")
            failures += 1
            continue
        if arguments.json:
            print(json.dumps({"input": job.name, **facts}))
            continue
        print(f"{shown(job.name)}\n{description_text(facts)}")
        if figure:
            print(f"  drawn in {shown(figure)}")
    return 1 if failures or not plan.jobs else 0


def _limits(arguments: argparse.Namespace):
    from dual_prior.pictures.reader import Limits

    return Limits(
        arguments.max_megapixels, arguments.max_file_size, arguments.max_scans
    )


def _load(arguments: argparse.Namespace):
    from dual_prior.restoration.restorer import Restorer

    given = {
        name: getattr(arguments, name)
        for name in ("strength", "ensemble", "skip_clean", "depth", "max_memory")
        if hasattr(arguments, name)
    }
    try:
        return Restorer(Options(arguments.preset, arguments.weights, **given))
    except (OSError, ValueError) as error:
        raise _NoNetwork(one_line(error)) from error
    except (ImportError, KeyError, RuntimeError) as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise _NoNetwork(
            f"the Keras backend {backend!r} cannot be used ({one_line(error)}); "
            "KERAS_BACKEND=tensorflow and KERAS_BACKEND=jax can."
        ) from error
    except Exception as error:  # what an unusual keras.json brings about
        raise _NoNetwork(
            f"the network cannot be made ({one_line(error)}); see keras.json, where "
            "Keras keeps its settings"
        ) from error


if __name__ == "__main__":
    run()
