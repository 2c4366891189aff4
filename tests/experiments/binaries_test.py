"""Binaries one after the other, as a person runs them, on tiny data."""

import csv
import json
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import restore_array
from tests.conftest import made_picture
from tests.experiments.binary import SMALL, run


@pytest.fixture(scope="module")
def trained(tiny_data, tmp_path_factory):
    """Weights that both training stages, run one after the other, have written."""
    folder = tmp_path_factory.mktemp("runs")
    code, out, err = run(
        "train_classifier",
        f"--data_dir={tiny_data}",
        f"--run_dir={folder}/classifier",
        "--steps=4",
        *SMALL,
    )
    assert code == 0, err
    code, out, err = run(
        "train_network",
        f"--data_dir={tiny_data}",
        f"--run_dir={folder}/network",
        f"--classifier={folder}/classifier/best.weights.h5",
        "--phases=1:2,2:4",
        *SMALL,
    )
    assert code == 0, err
    assert "PSNR on the held-out pictures" in out
    return folder


def test_a_run_says_what_it_was(trained):
    record = json.loads((trained / "network" / "config.json").read_text())
    assert record["config"]["preset"] == "compact"
    assert [p["num_stages"] for p in record["config"]["recipe"]["phases"]] == [1, 2]
    assert record["versions"]["keras"] and record["commit"]
    with open(trained / "network" / "phase-2" / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 and float(rows[0]["val_psnr"]) > 10
    assert list((trained / "network" / "phase-2" / "tensorboard").iterdir())


def test_another_configuration_is_not_mixed_in(trained, tiny_data):
    code, _, err = run(
        "train_classifier",
        f"--data_dir={tiny_data}",
        f"--run_dir={trained}/classifier",
        "--steps=2",
        *SMALL,
    )
    assert code == 1 and err.count("\n") == 1
    assert "another configuration (recipe.steps: 4 there, 2 asked for)" in err


def test_a_small_network_is_trained_for_a_large_one_to_start_from(tiny_data, tmp_path):
    preset, data_dir = "--preset=paper", f"--data_dir={tiny_data}"
    classifier = f"{tmp_path}/classifier/best.weights.h5"
    code, _, err = run(
        "train_classifier",
        preset,
        data_dir,
        f"--run_dir={tmp_path}/classifier",
        "--steps=2",
        *SMALL,
    )
    assert code == 0, err
    arguments = (preset, data_dir, f"--classifier={classifier}", "--phases=1:2", *SMALL)
    small = "features=4,num_units=1,num_stages=1"
    code, out, err = run(
        "train_network", *arguments, f"--change={small}", f"--run_dir={tmp_path}/small"
    )
    assert code == 0, err
    code, grown_out, err = run(
        "train_network",
        *arguments,
        "--change=features=6,num_units=2,num_stages=1",
        f"--initial={tmp_path}/small/paper.weights.h5",
        f"--initial_change={small}",
        "--learning_rate=0",
        f"--run_dir={tmp_path}/grown",
    )
    assert code == 0, err
    # It begins as good as the small one was, and larger.
    scores = [re.findall(r"pictures (\S+) dB", text) for text in (out, grown_out)]
    assert len(scores[0]) == 1 and scores[0] == scores[1]
    files = [tmp_path / name / "paper.weights.h5" for name in ("small", "grown")]
    assert files[0].stat().st_size < files[1].stat().st_size


def test_evaluate_prints_and_writes_the_table(trained, tiny_data, tmp_path):
    code, out, err = run(
        "evaluate",
        f"--data_dir={tiny_data}",
        "--datasets=classic5,live1",
        "--qualities=10",
        "--preset=compact",
        f"--weights={trained}/network/compact.weights.h5",
        f"--output={tmp_path}/new/tables",
    )
    assert code == 0, err
    assert "| JPEG " in out and "| compact " in out
    assert "| Proposed (Table 1) | " in out and "30.26" in out and "29.75" in out
    with open(tmp_path / "new" / "tables" / "evaluation.csv") as file:
        rows = list(csv.DictReader(file))
    measured = [row for row in rows if "Table 1" not in row["method"]]
    assert [(row["dataset"], row["method"]) for row in measured] == [
        ("classic5", "JPEG"),
        ("classic5", "compact"),
        ("live1", "JPEG"),
        ("live1", "compact"),
    ]
    table = (tmp_path / "new" / "tables" / "evaluation.md").read_text()
    assert table in out
    assert len({len(line) for line in table.splitlines()}) == 1  # aligned


def test_a_keras_file_holds_the_network(trained, tmp_path):
    path = tmp_path / "new" / "compact.keras"
    weights = f"{trained}/network/compact.weights.h5"
    code, out, err = run("export", f"--weights={weights}", f"--output={path}")
    assert (code, out) == (0, f"Wrote {path}.\n"), err
    y = np.random.default_rng(0).uniform(size=(1, 17, 24, 1)).astype(np.float32)
    expected = DualPriorNetwork.from_preset("compact", weights)(y)
    restored = keras.saving.load_model(path)(y)
    np.testing.assert_array_equal(np.asarray(restored), np.asarray(expected))
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_saved_model_needs_nothing_of_this_project(trained, tmp_path):
    code, _, err = run(
        "export",
        "--preset=compact",
        f"--weights={trained}/network/compact.weights.h5",
        f"--output={tmp_path}/saved_model",
    )
    assert code == 0, err
    grey = Image.fromarray(made_picture(40, 56))
    colour = Image.merge(
        "RGB", [Image.fromarray(made_picture(33, 47, s)) for s in range(3)]
    )
    grey.save(tmp_path / "grey.jpg", quality=20)
    colour.save(tmp_path / "colour.jpg", quality=20)
    grey.save(tmp_path / "grey.png")
    script = """
import sys
sys.modules["dual_prior"] = sys.modules["keras"] = None
import numpy as np
import tensorflow as tf
model = tf.saved_model.load("saved_model")
luma, jpeg = model.signatures["luma"], model.signatures["jpeg"]
for shape in ((1, 9, 7, 1), (3, 16, 24, 1)):
    y = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    np.save(f"luma{shape[0]}.npy", luma(luma=tf.constant(y))["restored"].numpy())
data = [open(name, "rb").read() for name in ("grey.jpg", "colour.jpg")]
results = jpeg(jpeg=tf.constant(data))["png_bytes"].numpy()
for name, png in zip(("grey", "colour"), results):
    open(name + ".restored.png", "wb").write(png)
for bad in (b"", b"no picture", open("grey.png", "rb").read(), data[0][:300]):
    try:
        jpeg(jpeg=tf.constant([bad]))
        sys.exit("was taken: " + repr(bad[:20]))
    except tf.errors.InvalidArgumentError:
        pass
assert len(jpeg(jpeg=tf.constant(data))["png_bytes"]) == 2
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr

    network = DualPriorNetwork.from_preset(
        "compact", trained / "network" / "compact.weights.h5"
    )
    for shape in ((1, 9, 7, 1), (3, 16, 24, 1)):
        y = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
        restored = np.load(tmp_path / f"luma{shape[0]}.npy")
        np.testing.assert_allclose(restored, np.asarray(network(y)), atol=1e-5)
    for name, mode in (("grey", "L"), ("colour", "RGB")):
        image = Image.open(tmp_path / f"{name}.restored.png")
        assert image.mode == mode
        pixels = np.asarray(Image.open(tmp_path / f"{name}.jpg"))
        difference = np.asarray(image).astype(int) - restore_array(pixels, network)
        assert np.abs(difference).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("evaluate", "--data_dir=/nowhere"), 1, "/nowhere/classic5: no such folder"),
        (("evaluate", "--datasets=kodak"), 1, "classic5, live1, bsds500; got 'kodak'"),
        (("evaluate", "--qualities=0"), 1, "whole numbers of 1 to 100, got 0"),
        (("evaluate", "--colour"), 2, "Unknown command line flag"),
        (("train_network", "--phases=x"), 1, "or STAGES:MINUTESm, got 'x'"),
        (("train_network", "--phases=1:0m"), 1, "or STAGES:MINUTESm, got '1:0m'"),
        (
            ("train_network", "--preset=paper", "--recipe=photo"),
            1,
            "Expected a recipe for 'paper' pictures, which paper is for",
        ),
        (("train_network", "--phases=1:500,2:501"), 1, "epochs of 500, got 501"),
        (("train_network", "--change=size=3"), 1, "beta_init"),
        (("train_network", "--initial_change=features=4"), 1, "give it, too"),
        (("train_network", "--classifier=/no.h5"), 1, "/no.h5: no such weights file"),
        (("train_classifier", "--steps=0"), 2, "steps"),
        (("train_classifier", "--steps=501"), 1, "epochs of 250, got 501"),
        (("export", "--weights=/no.h5"), 1, "/no.h5: no such weights file"),
    ],
)
def test_a_mistake_gets_one_line(arguments, code, message, tmp_path, monkeypatch):
    name, *own = arguments
    extra = [f"--run_dir={tmp_path}/run"] if name.startswith("train") else []
    actual, out, err = run(name, *own, *extra)
    assert (actual, out) == (code, "")
    assert message in err and err.strip().count("\n") == 0, err


@pytest.mark.parametrize(
    "name", ["train_classifier", "train_network", "evaluate", "export"]
)
def test_help_begins_with_the_command_to_type(name):
    code, out, _ = run(name, "--help")
    assert code == 0
    assert f"python -m experiments.{name} --" in out and "--preset" in out
