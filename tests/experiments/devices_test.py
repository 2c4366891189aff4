"""Training on two virtual devices, on either backend, in a process each."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

# TensorFlow's must be set before anything is computed.
SCRIPT = """
import os, sys

if os.environ["KERAS_BACKEND"] == "tensorflow":
    import tensorflow as tf
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)

import pytest
file = "tests/experiments/on_two_devices.py"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", file]))
"""


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_training_on_two_devices(backend):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "KERAS_BACKEND": backend,
            "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        },
    )
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout
