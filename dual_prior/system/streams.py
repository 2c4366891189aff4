"""Silence for libraries that write to the terminal from C++ when they start."""

import contextlib
import os
import sys
import threading

_STANDARD_ERROR = threading.RLock()


@contextlib.contextmanager
def to_standard_error():
    """Messages that must not be lost are written to standard error in such a block.

    If it cannot be written to, as on a full disk, later messages are discarded: a
    message that cannot be printed must not fail a picture.
    """
    with _STANDARD_ERROR:
        try:
            yield
        except OSError:
            # The rest of the buffer would fail again when Python exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@contextlib.contextmanager
def silenced_stderr():
    """Discards what the process writes to standard error while the block runs.

    TensorFlow 2.21 writes lines about the processor and about GPUs, whatever
    TF_CPP_MIN_LOG_LEVEL says. Python's exceptions are not affected.
    """
    with _STANDARD_ERROR:
        if sys.stderr is None:  # closed: its number may belong to another file now
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
    """Imports Keras and starts its backend, which looks for GPUs, silently."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silenced_stderr():
        import keras

        keras.ops.zeros(())
