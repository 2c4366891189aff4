"""Silence for libraries that write to the terminal from C++ when they start."""

import contextlib
import os
import sys
import threading

_STANDARD_ERROR = threading.RLock()


@contextlib.contextmanager
def to_standard_error():
    """What must not be lost is written to standard error in such a block.

    Where it cannot be written to, as on a full disk, nothing else is: no picture fails
    since another one could not be told of.
    """
    with _STANDARD_ERROR:
        try:
            yield
        except OSError:
            # What is left in the buffer would fail again when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@contextlib.contextmanager
def silenced_stderr():
    """Nothing reaches the process's standard error while the block runs.

    TensorFlow 2.21 writes lines about the processor and about GPUs, whatever
    TF_CPP_MIN_LOG_LEVEL says. Python's exceptions pass as always.
    """
    with _STANDARD_ERROR:
        if sys.stderr is None:  # closed: whatever has its number now is to stay
            yield
            return
        sys.stderr.flush()
        saved = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nowhere)


def start_backend() -> None:
    """Imports Keras and starts its backend, which looks for GPUs, in silence."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced_stderr():
        import keras

        keras.ops.zeros(())
