"""The command line. Its flags are generated from the fields of `Settings`."""

import argparse
import dataclasses
import os
import shlex
import typing
from pathlib import Path

from dual_prior import __version__
from dual_prior.files.address import located
from dual_prior.files.search import UsageError
from dual_prior.files.settings import Settings

_RESTORE_EXAMPLES = """\
examples:
  dual-prior restore photo.jpg                      writes photo.restored.png beside it
  dual-prior restore photo.jpg --output clean.webp
  dual-prior restore photos --output restored       a folder, its tree kept
  dual-prior restore 'scans/**/*.jpg' --format tiff --depth 16
  dual-prior restore photo.jpg --strength 0.5 --output half.png --compare compared.png
  dual-prior restore - < photo.jpg > photo.png

--in_place is the same option as --in-place; all other options work either way, too.

PNG, TIFF, BMP and WebP files without a trace of JPEG are not changed; they are copied
if results go to another folder. --always restores them, too.

exit codes: 0 every picture has its result, or needs none; 1 some failed; 2 wrong usage
"""

_INSPECT_EXAMPLES = """\
examples:
  dual-prior inspect photo.jpg
  dual-prior inspect photo.jpg --figure stages.png
"""


def parse(argv: list[str]) -> argparse.Namespace:
    """Parses a command line into `command`, `inputs`, `settings`, and other flags.

    Raises:
        UsageError: A setting is out of range, or the subcommand is missing.
        SystemExit: After --help or --version, or after a message about the usage.
    """
    if argv and argv[0] not in _COMMANDS and os.path.isfile(argv[0]):
        words = " ".join(map(shlex.quote, argv))
        raise UsageError(f"did you mean: dual-prior restore {words}")
    arguments, unknown = _parser().parse_known_args(_with_hyphens(argv))
    if unknown:  # parse_args would print the usage of the main command
        arguments.parser.error(f"unknown option: {' '.join(unknown)}")
    given = {
        field.name: getattr(arguments, field.name)
        for field in dataclasses.fields(Settings)
        if hasattr(arguments, field.name)
    }
    try:
        arguments.settings = Settings(**given)
    except (ValueError, OSError) as error:
        raise UsageError(error) from error
    return arguments


def _with_hyphens(argv: list[str]) -> list[str]:
    """Turns --in_place into --in-place, up to a bare --."""
    end = argv.index("--") if "--" in argv else len(argv)
    words = []
    for word in argv[:end]:
        if word.startswith("--"):
            flag, *value = word.split("=", 1)
            word = "=".join([flag.replace("_", "-"), *value])
        words.append(word)
    return words + argv[end:]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dual-prior",
        description="Removes JPEG artifacts with a deep unfolding network.",
    )
    parser.add_argument(
        "--version", action="version", version=f"dual-prior {__version__}"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, add in _COMMANDS.items():
        add(commands, name)
    return parser


def _add_restore(commands, name: str) -> None:
    restore = commands.add_parser(
        name,
        usage="dual-prior restore INPUT ... [--output PATH] [option ...]",
        help="restore pictures",
        description="Restores pictures: JPEGs, and PNG, WebP, TIFF and BMP files that "
        "were JPEGs once.\nOriginals are only overwritten with --in-place.",
        epilog=_RESTORE_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    restore.set_defaults(parser=restore)
    restore.add_argument(
        "inputs",
        nargs="+",
        metavar="INPUT",
        help="a file, a folder (searched through), a pattern, an address such as "
        "s3://bucket/photos, or - (standard input)",
    )
    writing = restore.add_argument_group("writing")
    writing.add_argument(
        "--output",
        "-o",
        metavar="PATH",
        help="a file for one picture, else a folder, with a subfolder for each of "
        "several input folders; a new folder for one picture ends in /; - for standard "
        "output (default: NAME.restored.png beside each input)",
    )
    writing.add_argument(
        "--compare",
        metavar="PATH",
        type=_path,
        help="draw before and after side by side: NAME.png, or a folder",
    )
    _add_settings(writing, "writing")
    _add_settings(restore.add_argument_group("network"), "network")
    _add_settings(restore.add_argument_group("restoring"), "pixels")
    _add_settings(restore.add_argument_group("reading"), "reading")
    trying = restore.add_argument_group("trying")
    trying.add_argument(
        "--dry-run",
        action="store_true",
        help="list what would be done, with megapixels and the expected time, measured "
        "on one tile; read everything, write nothing",
    )
    _add_settings(trying, "trying")
    cluster = restore.add_argument_group("several machines")
    cluster.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="spread the pictures over a running Ray cluster: HOST:PORT, or auto for "
        "that of this machine; every machine must see the files under the same paths "
        "or addresses",
    )
    reports = restore.add_argument_group("reports")
    reports.add_argument(
        "--quiet", action="store_true", help="print errors and warnings only"
    )
    reports.add_argument(
        "--json",
        action="store_true",
        help="print JSON: a line per picture, a summary",
    )


def _add_inspect(commands, name: str) -> None:
    inspect = commands.add_parser(
        name,
        usage="dual-prior inspect INPUT ... [option ...]",
        help="report how pictures were compressed",
        description="Reports the quantization tables and the quality they imply, "
        "the chroma\nsubsampling, the blockiness, and the classifier's probability that"
        " the picture\nwas compressed.",
        epilog=_INSPECT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.set_defaults(parser=inspect)
    inspect.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="same as for restore"
    )
    inspect.add_argument(
        "--figure",
        metavar="PATH",
        type=_path,
        help="draw what the network does, stage by stage: NAME.png, for one picture",
    )
    inspect.add_argument(
        "--overwrite", action="store_true", help="overwrite an existing figure"
    )
    inspect.add_argument(
        "--tables",
        action="store_true",
        help="print all facts of several pictures (default: a line per picture)",
    )
    inspect.add_argument(
        "--json",
        action="store_true",
        help="print one line of JSON for each picture that can be read",
    )
    _add_settings(inspect.add_argument_group("network"), "network")
    _add_settings(inspect.add_argument_group("reading"), "reading")


def _add_web(commands, name: str) -> None:
    web = commands.add_parser(
        name,
        usage="dual-prior web [option ...]",
        help="restore pictures on a page in the browser",
        description="Serves a page for this machine only. Drop pictures there, and "
        "compare before and after with a slider.",
    )
    web.set_defaults(parser=web)
    serving = web.add_argument_group("page")
    serving.add_argument(
        "--port", type=int, help="the port (default: the first free one from 7860 on)"
    )
    serving.add_argument(
        "--no-browser", action="store_true", help="do not open the browser"
    )
    _add_settings(web.add_argument_group("network"), "network")
    _add_settings(web.add_argument_group("restoring"), "pixels")
    _add_settings(web.add_argument_group("reading"), "reading")


_COMMANDS = {"restore": _add_restore, "inspect": _add_inspect, "web": _add_web}


def _add_settings(parser, group: str) -> None:
    """Adds a flag for each field of a group of `Settings`."""
    for field in dataclasses.fields(Settings):
        about = field.metadata
        if about["group"] != group:
            continue
        flag = "--" + field.name.replace("_", "-")
        flags = filter(None, [flag, about.get("short")])
        if field.type is bool:
            parser.add_argument(*flags, action="store_true", help=about["help"])
            continue
        types = {field.type, *typing.get_args(field.type)}
        choices = ",".join(map(str, about.get("choices", ())))
        text = about["help"]
        if field.default is not None:
            text += " (default: %(default)s)"
        parser.add_argument(
            *flags,
            type=next(kind for kind in (int, float, str) if kind in types),
            default=field.default,
            metavar=about.get("metavar", f"{{{choices}}}" if choices else "N"),
            help=text,
        )


def _path(text: str) -> Path:
    if not text:  # from an unset variable; it would be the current folder
        raise argparse.ArgumentTypeError("expected a name, got an empty one")
    return located(text)
