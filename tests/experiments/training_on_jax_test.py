"""Training as `training_test.py` asks for it, on the other backend."""

import os
import subprocess
import sys

from tests.conftest import ROOT


def test_a_run_taken_up_again_ends_where_it_would_have_on_jax_too():
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        + ["tests/experiments/training_test.py", "-k", "bit_for_bit"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
