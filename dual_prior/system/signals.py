"""Ctrl-C and SIGTERM: nothing unfinished stays, and the request is not lost.

An exception raised by a signal handler is lost where it meets code that swallows it:
garbage collection, for instance, which runs callbacks of JAX. So the request is
remembered, and raised again where the work can stop.
"""

import signal


class Terminated(BaseException):
    """SIGTERM: unfinished files are removed on the way out, as after Ctrl-C."""


_requested: type[BaseException] | None = None


def install() -> None:
    """Lets both signals raise, now and at the next `raise_if_requested`.

    A request that came before is forgotten.
    """
    global _requested
    _requested = None
    signal.signal(signal.SIGINT, _on_signal)
    signal.signal(signal.SIGTERM, _on_signal)


def raise_if_requested() -> None:
    """Raises what a signal has asked for, if one has.

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
