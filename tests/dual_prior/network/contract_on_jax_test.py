"""The contract of every layer on JAX, in a process of its own."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


def test_every_layer_keeps_its_contract_on_jax(soak):
    if not soak:
        pytest.skip("compiles for a minute: in make soak")
    words = ["-m", "pytest", "-q", "-k", "contract and not on_jax", ROOT / "tests"]
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert done.returncode == 0, done.stdout
