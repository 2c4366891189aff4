"""Binaries that train, evaluate, export and benchmark: `python -m experiments.NAME`."""

from dual_prior.system.streams import start_backend

# Here, because it must come before any module imports Keras, and Keras TensorFlow.
start_backend()
