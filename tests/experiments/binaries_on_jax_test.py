"""The binaries on the other backend, on tiny data."""

import json
import re

import numpy as np

from tests.conftest import run_script
from tests.experiments.binary import SMALL, run

RESTORE = """
import numpy as np
from dual_prior.network.unfolding import DualPriorNetwork

network = DualPriorNetwork.from_preset("compact", {weights!r})
y = np.random.default_rng(0).uniform(size=(2, 48, 64, 1)).astype(np.float32)
np.save({result!r}, np.asarray(network(y)))
"""


def test_training_and_measuring_run_on_jax_too(tiny_data, tmp_path):
    def on_jax(name, *arguments):
        code, out, err = run(
            name, f"--data_dir={tiny_data}", *arguments, KERAS_BACKEND="jax"
        )
        assert code == 0, err
        return out

    on_jax("train_classifier", f"--run_dir={tmp_path}/classifier", "--steps=2", *SMALL)
    on_jax(
        "train_network",
        f"--run_dir={tmp_path}/network",
        f"--classifier={tmp_path}/classifier/best.weights.h5",
        "--phases=1:0.0001m,2:4",
        "--steps_per_execution=2",
        "--dtype=mixed_bfloat16",
        *SMALL,
    )
    record = json.loads((tmp_path / "network" / "config.json").read_text())
    assert record["versions"]["backend"] == "jax"
    assert record["config"]["recipe"]["dtype"] == "mixed_bfloat16"
    log = (tmp_path / "network" / "phase-1" / "log.csv").read_text()
    assert len(log.splitlines()) == 2  # one epoch, and the time was over
    weights = f"{tmp_path}/network/compact.weights.h5"
    on_both = []
    for backend in ("jax", "tensorflow"):
        result = f"{tmp_path}/{backend}.npy"
        run_script(
            RESTORE.format(weights=weights, result=result), KERAS_BACKEND=backend
        )
        on_both.append(np.load(result))
    np.testing.assert_allclose(*on_both, atol=1e-5)  # 1/400 of a grey level
    arguments = (
        "--datasets=classic5",
        "--qualities=10",
        "--nopaper",
        "--preset=compact",
        f"--weights={weights}",
    )
    table = on_jax("evaluate", *arguments)
    code, on_tensorflow, err = run("evaluate", f"--data_dir={tiny_data}", *arguments)
    assert code == 0, err
    assert "| compact |" in table
    # What lies that close to half a grey level is rounded up on one, down on the other:
    # of two small pictures one such pixel is 0.0002 dB.
    figures = re.compile(r"\d+\.\d+")
    assert figures.sub("", table) == figures.sub("", on_tensorflow)
    of_both = [[float(n) for n in figures.findall(t)] for t in (table, on_tensorflow)]
    np.testing.assert_allclose(*of_both, atol=1e-3)
