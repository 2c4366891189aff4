"""The `dual-prior` command: restores pictures that JPEG has damaged.

Arguments and inputs are checked before Keras is imported, so that a mistake is answered
at once.
"""

import argparse
import dataclasses
import functools
import os
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tqdm import tqdm

from dual_prior.presets import PRESETS
from dual_prior.quiet import start_backend

_EXAMPLES = """\
examples:
  dual-prior restore photo.jpg                      writes photo.restored.png beside it
  dual-prior restore photo.jpg --output clean.png
  dual-prior restore *.jpg --output restored/       a folder for several pictures
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command.

    Returns:
        0 if every input was restored, 1 if any failed, 2 for wrong usage, 130 after
        Ctrl-C.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        return _restore_all(arguments)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def run() -> None:
    """Entry point of the installed command."""
    # Names that are no valid text must not fail the line that reports them.
    sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main())


def _version() -> str:
    try:
        return version("dual-prior")
    except PackageNotFoundError:  # run from a checkout
        return "(not installed)"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dual-prior",
        description="Removes JPEG artifacts with a deep unfolding network.",
    )
    parser.add_argument(
        "--version", action="version", version=f"dual-prior {_version()}"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    restore = commands.add_parser(
        "restore",
        help="restore pictures",
        description="Restores pictures and writes them as PNG files. Originals are "
        "never changed. Luma is restored, chroma is kept.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    restore.add_argument("inputs", nargs="+", type=Path, metavar="INPUT")
    restore.add_argument(
        "--output",
        metavar="PATH",
        help="NAME.png for one input, else a folder; a new folder for one input ends "
        "in / (default: NAME.restored.png beside each input); an earlier result is "
        "replaced",
    )
    restore.add_argument(
        "--preset",
        default="compact",
        choices=PRESETS,
        help="the network (default: %(default)s)",
    )
    restore.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="a .weights.h5 file (default: those that ship with the preset)",
    )
    restore.add_argument(
        "--quiet", action="store_true", help="print errors and warnings only"
    )
    return parser


class _NoNetwork(Exception):
    """The network cannot be had: no picture can be restored."""


def _restore_all(arguments: argparse.Namespace) -> int:
    from dual_prior.image_file import ImageFileError

    try:
        outputs = output_paths(arguments.inputs, arguments.output)
    except ValueError as error:
        print(f"dual-prior: {error}", file=sys.stderr)
        return 2

    @functools.cache  # loaded for the first picture that can be read
    def network():
        return _load_network(arguments.preset, arguments.weights)

    failures = 0
    for source, target in zip(arguments.inputs, outputs, strict=True):
        try:
            _restore_one(network, source, target, arguments.quiet)
        except ImageFileError as error:
            print(f"dual-prior: {error}", file=sys.stderr)
            failures += 1
        except MemoryError:
            print(f"dual-prior: {source}: not enough memory", file=sys.stderr)
            failures += 1
        except _NoNetwork as error:
            print(f"dual-prior: {error}", file=sys.stderr)
            return 1
    return 1 if failures else 0


def output_paths(inputs: list[Path], output: str | None) -> list[Path]:
    """Where each result goes.

    Args:
        inputs: The pictures.
        output: A PNG file for one input, or a folder; None for beside the inputs.

    Raises:
        ValueError: Two results would have one name, or a result an input's, or the
            result's name is not a PNG file's.
    """
    names = [f"{path.stem}.restored.png" for path in inputs]
    if output is None:
        outputs = [
            path.with_name(name) for path, name in zip(inputs, names, strict=True)
        ]
    elif len(inputs) > 1 or output.endswith(os.sep) or os.path.isdir(output):
        outputs = [Path(output, name) for name in names]
    else:
        outputs = [Path(output)]
    sources = {os.path.realpath(path): path for path in inputs}
    taken = {}
    for source, target in zip(inputs, outputs, strict=True):
        key = os.path.realpath(target)
        if key in sources:
            raise ValueError(f"{target} is an input: originals are never overwritten.")
        if target.suffix.lower() != ".png":
            raise ValueError(
                f"{target}: results are PNG files. Give NAME.png, or a folder as "
                f"{target}{os.sep}"
            )
        if key in taken:
            raise ValueError(
                f"{taken[key]} and {source} would both become {target}. Restore them "
                "into different folders."
            )
        taken[key] = source
    return outputs


def _load_network(preset: str, weights: Path | None):
    start_backend()
    from dual_prior.unfolding import DualPriorNetwork

    try:
        return DualPriorNetwork.from_preset(preset, weights or "shipped")
    except (OSError, ValueError) as error:
        raise _NoNetwork(" ".join(str(error).split())) from error


def _restore_one(network, source: Path, target: Path, quiet: bool) -> None:
    from dual_prior.image_file import png_file, read_picture

    picture = read_picture(source)
    for warning in picture.warnings:
        print(f"dual-prior: {source}: warning: {warning}", file=sys.stderr)
    with png_file(target) as write:
        loaded = network()
        from dual_prior.restoration import restore

        started = time.monotonic()
        with _TileBar(source.name, quiet) as bar:
            pixels = restore(picture.pixels, loaded, bar.on_tile)
        write(dataclasses.replace(picture, pixels=pixels))
    if not quiet:
        seconds = time.monotonic() - started
        print(f"{source} ({_describe(picture)}) -> {target}  {seconds:.1f} s")


def _describe(picture) -> str:
    height, width = picture.pixels.shape[:2]
    kind = "grey" if picture.is_grey else "colour"
    quality = f" of quality about {picture.quality}" if picture.quality else ""
    return f"{width}x{height}, {kind} {picture.format}{quality}"


class _TileBar:
    """A progress bar on a terminal, for pictures of several tiles."""

    def __init__(self, name: str, quiet: bool):
        self._name = name
        self._is_wanted = not quiet and sys.stderr.isatty()
        self._bar = None

    def __enter__(self):
        return self

    def on_tile(self, done: int, total: int) -> None:
        if total > 1 and self._is_wanted and self._bar is None:
            self._bar = tqdm(total=total, desc=self._name, unit="tile", leave=False)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def __exit__(self, *error):
        if self._bar is not None:
            self._bar.close()


if __name__ == "__main__":
    run()
