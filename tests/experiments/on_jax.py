"""Run by `on_jax_test.py` on that backend, in one process."""

import json
import os
from pathlib import Path

import keras
import numpy as np

from dual_prior.network.unfolding import DualPriorNetwork
from experiments.contenders.registry import CONTENDERS
from experiments.measuring.cost import macs
from tests.experiments.binary import SMALL, run

OUTPUT = Path(os.environ.get("ON_JAX_OUTPUT", "."))
EVALUATE = ("--datasets=classic5", "--qualities=10", "--nopaper", "--preset=tiny")
COUNTED = ("TNRD", "RNAN", "compact")


def test_training_and_measuring_run_on_jax(tiny, tiny_data):
    """Writes weights, a restored picture and a table."""

    def on_jax(name, *arguments):
        code, out, err = run(
            name, f"--data_dir={tiny_data}", f"--preset={tiny}", *arguments
        )
        assert code == 0, err
        return out

    assert keras.backend.backend() == "jax"
    on_jax("train_classifier", f"--run_dir={OUTPUT}/classifier", "--steps=2", *SMALL)
    on_jax(
        "train_network",
        f"--run_dir={OUTPUT}/network",
        f"--classifier={OUTPUT}/classifier/best.weights.h5",
        "--phases=1:2,2:4",
        "--steps_per_execution=2",
        *SMALL,
        "--dtype=mixed_bfloat16",
    )
    record = json.loads((OUTPUT / "network" / "config.json").read_text())
    assert record["versions"]["backend"] == "jax"
    assert record["config"]["recipe"]["dtype"] == "mixed_bfloat16"
    weights = f"{OUTPUT}/network/tiny.weights.h5"
    y = np.random.default_rng(0).uniform(size=(2, 48, 64, 1)).astype(np.float32)
    restored = DualPriorNetwork.from_preset(tiny, weights)(y)
    np.save(OUTPUT / "restored.npy", np.asarray(restored))
    table = on_jax("evaluate", *EVALUATE, f"--weights={weights}")
    (OUTPUT / "table.md").write_text(table)


def test_compute_is_counted_on_jax():
    """Writes the counts."""
    counts = [macs(CONTENDERS[name](None)) for name in COUNTED]
    (OUTPUT / "macs.json").write_text(json.dumps(counts))
