"""Binaries that train, evaluate, export and benchmark: `python -m experiments.NAME`."""

import os

from dual_prior.system.streams import start_backend

# Before anything is computed. Several hosts: see `experiments.training.devices`.
if "KERAS_DISTRIBUTION_NUM_PROCESSES" in os.environ:
    import keras

    keras.distribution.initialize()

# Here, because it must come before any module imports Keras, and Keras TensorFlow.
start_backend()
