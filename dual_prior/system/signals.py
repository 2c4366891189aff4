"""Ctrl-C and SIGTERM: no unfinished file is left, and no request to stop is lost.

An exception raised by a signal handler is lost if it passes through code that swallows
it, for instance garbage collection, which runs callbacks of JAX. So the request is
stored, and raised again where the work can stop.
"""

import signal


class Terminated(BaseException):
    """SIGTERM: unfinished files are removed on the way out, as after Ctrl-C."""


_requested: type[BaseException] | None = None


def install() -> None:
    """Makes both signals raise, at once and at the next `raise_if_requested`.

    Forgets earlier requests.
    """
    global _requested
    _requested = None
    signal.signal(signal.SIGINT, _on_signal)
    signal.signal(signal.SIGTERM, _on_signal)


def raise_if_requested() -> None:
    """Raises the exception of a signal that has arrived, if any.

    Raises:
        KeyboardInterrupt: After SIGINT.
        Terminated: After SIGTERM.
    """
    if _requested is not None:
        raise _requested


def _on_signal(number, frame):
    global _requested
    _requested = Terminated if number == signal.SIGTERM else KeyboardInterrupt
    raise _requested
