"""Binaries that train, evaluate, export and benchmark: `python -m experiments.NAME`."""

import os

# Here, because it must be set before any module imports Keras, and Keras TensorFlow.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
