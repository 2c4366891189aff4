"""Run by `devices_test.py` in a process with two virtual devices."""

import json
import re
import shutil

import keras
import numpy as np
import pytest

from experiments.training import devices
from experiments.training.colour_training import ColourTraining
from tests.experiments.binary import SMALL, run
from tests.experiments.train_colour_test import tiny_colour_network


def _score(name, *arguments):
    """What a run prints of the held-out pictures."""
    code, out, err = run(name, *arguments)
    assert code == 0, err
    return float(re.search(r"pictures (\S+?)( dB)?\. ", out)[1])


def test_two_devices_train_as_one_does(tiny, tiny_data, tmp_path):
    """And resume what one has begun."""
    given = [f"--preset={tiny}", f"--data_dir={tiny_data}", "--learning_rate=1e-3"]

    def score(name, folder, *arguments):
        return _score(name, *given, f"--run_dir={tmp_path / folder}", *arguments)

    steps = ("--steps=4", *SMALL)
    one = score("train_classifier", "one", *steps)
    assert score("train_classifier", "two", *steps, "--devices=2") == pytest.approx(
        one, abs=2e-4
    )
    shutil.copytree(tmp_path / "one", tmp_path / "resumed")
    (tmp_path / "resumed" / "checkpoints" / "epoch-000002.npz").unlink()
    resumed = score("train_classifier", "resumed", *steps, "--devices=all")
    assert resumed == pytest.approx(one, abs=2e-4)
    classifier = f"--classifier={tmp_path}/one/best.weights.h5"
    arguments = (classifier, "--phases=1:2", "--num_validation=3", *SMALL)
    network = score("train_network", "network", *arguments)
    two = score("train_network", "network2", *arguments, "--devices=2")
    assert two == pytest.approx(network, abs=2e-3)
    config = json.loads((tmp_path / "network2" / "config.json").read_text())["config"]
    assert "devices" not in config  # checkpoints can be taken from one to two


def test_a_step_of_colour_is_that_of_one_device():
    """By plain descent, which unlike Adam sees how large the loss is."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(4, 16, 16, 6)).astype(np.float32)
    y, weights = 0.9 * x[..., :3], rng.uniform(1, 9, (4, 2)).astype(np.float32)

    def stepped(wanted):
        keras.utils.set_random_seed(0)
        with devices.scope(devices.find(wanted)):
            model = ColourTraining(tiny_colour_network(), ("luma", "chroma"))
            model.build((None, None, None, 6))
            model.compile(keras.optimizers.SGD(0.1), loss=None)
            given = {"sample_weight": weights, "batch_size": 4, "verbose": 0}
            (loss,) = model.fit(x, y, **given).history["loss"]
            return [loss, *map(keras.ops.convert_to_numpy, model.trainable_weights)]

    for one, two in zip(stepped(None), stepped("2"), strict=True):
        np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--devices=3",), "a number from 1 to 2, or all; got 3"),
        (("--devices=x",), "a number from 1 to 2, or all; got x"),
        (("--devices=2", "--batch_size=3"), "a multiple of 2, the number of devices;"),
    ],
)
def test_what_cannot_be_divided_gets_one_line(
    tiny, tiny_data, tmp_path, arguments, message
):
    """A wrong --devices."""
    code, _, err = run(
        "train_classifier",
        f"--preset={tiny}",
        f"--data_dir={tiny_data}",
        f"--run_dir={tmp_path}",
        *("--steps=2", *SMALL, *arguments),
    )
    assert code == 1 and message in err and len(err.splitlines()) == 1
