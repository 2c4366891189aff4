"""Training and measuring on the other backend, beside TensorFlow's results."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from dual_prior.network.unfolding import DualPriorNetwork
from experiments.contenders.registry import CONTENDERS
from experiments.measuring.cost import macs
from tests.conftest import ROOT
from tests.experiments.binary import run
from tests.experiments.on_jax import COUNTED, EVALUATE


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    """The folder of what was written on JAX, in one process."""
    folder = tmp_path_factory.mktemp("jax")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        + ["tests/experiments/on_jax.py", "tests/experiments/training/fit_test.py"]
        + ["-k", "on_jax or bit_for_bit"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "ON_JAX_OUTPUT": str(folder),
            # A run that is resumed compiles what the first one has compiled.
            "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        },
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
    return folder


def test_weights_trained_there_restore_alike(on_jax, tiny):
    weights = on_jax / "network" / "tiny.weights.h5"
    y = np.random.default_rng(0).uniform(size=(2, 48, 64, 1)).astype(np.float32)
    restored = np.asarray(DualPriorNetwork.from_preset(tiny, weights)(y))
    # 1/400 of a grey level.
    np.testing.assert_allclose(np.load(on_jax / "restored.npy"), restored, atol=1e-5)


def test_scores_agree_with_tensorflow(on_jax, tiny, tiny_data):
    weights = f"--weights={on_jax}/network/tiny.weights.h5"
    code, table, err = run("evaluate", f"--data_dir={tiny_data}", *EVALUATE, weights)
    assert code == 0, err
    tables = [table, (on_jax / "table.md").read_text()]
    assert f"| {tiny} " in table
    # What lies that close to half a grey level is rounded up on one, down on the other:
    # of two small pictures one such pixel is 0.0002 dB.
    figures = re.compile(r"\d+\.\d+")
    assert figures.sub("", tables[0]) == figures.sub("", tables[1])
    of_both = [[float(n) for n in figures.findall(t)] for t in tables]
    np.testing.assert_allclose(*of_both, atol=1e-3)


def test_compute_is_counted_alike(on_jax):
    counts = json.loads((on_jax / "macs.json").read_text())
    assert counts == [macs(CONTENDERS[name](None)) for name in COUNTED]
