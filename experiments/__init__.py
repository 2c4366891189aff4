"""Binaries that train, evaluate, export and benchmark: `python -m experiments.NAME`."""

import os

from dual_prior.quiet import silenced_stderr

# Here, because it must come before any module imports Keras, and Keras TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with silenced_stderr():
    import keras  # noqa: F401
