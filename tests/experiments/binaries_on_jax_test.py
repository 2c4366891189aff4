"""The binaries on the other backend, on tiny data."""

import json

from tests.experiments.binary import SMALL, run


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
    arguments = (
        "--datasets=classic5",
        "--qualities=10",
        "--nopaper",
        "--preset=compact",
        f"--weights={tmp_path}/network/compact.weights.h5",
    )
    table = on_jax("evaluate", *arguments)
    code, on_tensorflow, err = run("evaluate", f"--data_dir={tiny_data}", *arguments)
    assert code == 0, err
    assert "| compact |" in table and table == on_tensorflow
