"""Training that is killed, as a person sees it."""

import signal
import time

import numpy as np

from tests.experiments.binary import SMALL, run, start


def test_killed_while_training_it_ends_as_if_it_had_not_been(tiny_data, tmp_path):
    def arguments(folder):
        return (
            f"--data_dir={tiny_data}",
            f"--run_dir={tmp_path / folder}",
            *("--steps=200", "--learning_rate=1e-4"),
            *SMALL,
        )

    process = start("train_classifier", *arguments("killed"))
    checkpoints = tmp_path / "killed" / "checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("epoch-*.npz")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    outputs = []
    for folder in ("killed", "whole"):
        code, _, err = run("train_classifier", *arguments(folder))
        assert code == 0, err
        newest = sorted((tmp_path / folder / "checkpoints").glob("epoch-*.npz"))[-1]
        with np.load(newest) as archive:
            outputs.append({name: archive[name] for name in archive.files})
    killed, whole = outputs
    assert killed.keys() == whole.keys()
    for name in whole:
        np.testing.assert_array_equal(killed[name], whole[name])
