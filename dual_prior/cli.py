"""The entry point of the `dual-prior` command: exit codes and streams.

Arguments and inputs are checked before Keras is imported, so that mistakes are reported
at once.
"""

import io
import os
import sys
from collections.abc import Callable

from dual_prior.command.arguments import parse
from dual_prior.command.inspect import inspect
from dual_prior.command.loading import NoNetworkError, load_restorer
from dual_prior.command.report import complain
from dual_prior.command.restore import restore
from dual_prior.command.web import web
from dual_prior.files.search import UsageError
from dual_prior.system import signals
from dual_prior.system.signals import Terminated

_COMMANDS = {"restore": restore, "inspect": inspect, "web": web}


def main(argv: list[str] | None = None, load: Callable = load_restorer) -> int:
    """Runs the command.

    Args:
        argv: The arguments; `sys.argv[1:]` by default.
        load: Makes a `Restorer` from `Options`.

    Returns:
        0 if every input has its output, 1 if any failed, 2 for wrong usage, 130 after
        Ctrl-C, 143 after SIGTERM.
    """
    try:
        try:
            arguments = parse(sys.argv[1:] if argv is None else argv)
            code = _COMMANDS[arguments.command](arguments, load)
        except SystemExit as stop:  # after --help, or a message about the usage
            code = 2 if stop.code else 0
        sys.stdout.flush()
        return code
    except UsageError as error:
        complain(error)
        return 2
    except NoNetworkError as error:
        complain(error)
        return 1
    except Terminated:
        print("Terminated.", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except OSError as error:  # errors of picture files have been caught before
        if not isinstance(error, BrokenPipeError):  # the reader of a pipe has ended
            complain(f"standard output: {error.strerror or error}".lower())
        # The rest of the buffer would fail again when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def run(load: Callable = load_restorer) -> None:
    """Entry point of the installed command. Args: as for `main`."""
    signals.install()
    _open_closed_streams()
    # File names that are not valid text must not break the output.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(load=load))


def _open_closed_streams() -> None:
    """Reopens standard streams that the shell has closed, as by `>&-`.

    Otherwise the next file to be opened, a result perhaps, would get the number of a
    standard stream, and libraries would print into it. Writing to the reopened standard
    output fails with a message.
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
