"""Starts the binaries quietly, and reports their errors in one line."""

import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging


def run(
    main: Callable[[list[str]], None],
    argv: list[str] | None = None,
    num_arguments: int = 0,
) -> NoReturn:
    """Parses the flags of `argv`, by default the command line's, and runs `main`.

    Errors that a user can cause (OSError, ValueError, training that diverges) end in
    one line on stderr and exit code 1, wrong usage in exit code 2, Ctrl-C in 130.
    """

    def guarded(argv):
        logging.set_verbosity(logging.WARNING)
        if len(argv) != 1 + num_arguments:
            expected = f"{num_arguments} arguments" if num_arguments else "flags only"
            got = ", ".join(map(repr, argv[1:])) or "none"
            print(f"Expected {expected}, got {got}. See --help.", file=sys.stderr)
            sys.exit(2)
        try:
            main(argv)
        except (OSError, ValueError, ArithmeticError) as error:
            if flags.FLAGS["pdb"].value:
                raise
            print(f"Error: {' '.join(str(error).split())}", file=sys.stderr)
            sys.exit(1)
        except KeyboardInterrupt:
            print("Interrupted.", file=sys.stderr)
            sys.exit(130)

    app.run(guarded, argv=argv, flags_parser=_parse)


def _parse(argv):
    # absl's own parser prints the whole help after a wrong flag; --help asks for it.
    try:
        return flags.FLAGS(argv)
    except flags.Error as error:
        print(f"{error} See --help.", file=sys.stderr)
        sys.exit(2)
    except SystemExit:  # by --help, with 1, as if something had failed
        sys.exit(0)
