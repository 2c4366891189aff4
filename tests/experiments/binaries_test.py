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

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import restore_array
from tests.conftest import made_picture
from tests.experiments.binary import SMALL, load, run, start


@pytest.fixture(scope="module")
def trained(tiny, tiny_data, tmp_path_factory):
    """Weights that both training stages, run one after the other, have written."""
    folder = tmp_path_factory.mktemp("runs")
    code, out, err = run(
        "train_classifier",
        f"--preset={tiny}",
        f"--data_dir={tiny_data}",
        f"--run_dir={folder}/classifier",
        "--steps=4",
        *SMALL,
    )
    assert code == 0, err
    code, out, err = run(
        "train_network",
        f"--preset={tiny}",
        f"--data_dir={tiny_data}",
        f"--run_dir={folder}/network",
        f"--classifier={folder}/classifier/best.weights.h5",
        "--phases=1:2,2:4",
        *SMALL,
    )
    assert code == 0, err
    assert "PSNR on the held-out pictures" in out
    return folder


def test_a_run_stores_its_configuration(trained, tiny):
    record = json.loads((trained / "network" / "config.json").read_text())
    assert record["config"]["preset"] == tiny
    assert [p["num_stages"] for p in record["config"]["recipe"]["phases"]] == [1, 2]
    assert record["versions"]["keras"] and record["commit"]
    pictures = record["config"]["train_pictures"]
    assert pictures["count"] == 3 == len(pictures["names"])
    assert pictures["names"][0] == "bsds500/train/1.png"
    with open(trained / "network" / "phase-2" / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 and float(rows[0]["val_psnr"]) > 10
    assert list((trained / "network" / "phase-2" / "tensorboard").iterdir())


def test_training_and_validation_losses_are_in_one_unit(trained):
    with open(trained / "network" / "phase-1" / "log.csv") as file:
        (row,) = csv.DictReader(file)
    assert 0.2 < float(row["loss"]) / float(row["val_loss"]) < 5


def test_another_configuration_is_not_mixed_in(trained, tiny, tiny_data):
    code, _, err = run(
        "train_classifier",
        f"--preset={tiny}",
        f"--data_dir={tiny_data}",
        f"--run_dir={trained}/classifier",
        "--steps=2",
        *SMALL,
    )
    assert code == 1 and err.count("\n") == 1
    assert "another configuration (recipe.steps: 4 stored, 2 given)" in err


def test_minutes_are_a_number_of_steps_that_is_kept(trained, tiny, tiny_data, tmp_path):
    arguments = (
        f"--preset={tiny}",
        f"--data_dir={tiny_data}",
        f"--run_dir={tmp_path}",
        f"--classifier={trained}/classifier/best.weights.h5",
        "--phases=1:0.003m",
        *SMALL,
    )
    code, out, err = run("train_network", *arguments)
    assert code == 0, err
    config = json.loads((tmp_path / "config.json").read_text())["config"]
    (phase,) = config["recipe"]["phases"]
    assert phase["minutes"] == 0.003 and phase["steps"] >= 2
    assert f"{phase['steps']} steps" in out
    with open(tmp_path / "phase-1" / "log.csv") as file:
        assert 2 * len(list(csv.DictReader(file))) == phase["steps"]
    code, out, err = run("train_network", *arguments)  # measures nothing again
    assert code == 0, err
    assert " steps of " not in out and "PSNR" in out


def test_a_small_network_is_trained_for_a_large_one_to_start_from(
    trained, tiny, tiny_data, tmp_path
):
    classifier = f"{trained}/classifier/best.weights.h5"
    arguments = (f"--preset={tiny}", f"--data_dir={tiny_data}", "--phases=1:2", *SMALL)
    arguments += (f"--classifier={classifier}",)
    small = "features=4,num_units=1,num_stages=1"
    code, out, err = run(
        "train_network", *arguments, f"--change={small}", f"--run_dir={tmp_path}/small"
    )
    assert code == 0, err
    code, grown_out, err = run(
        "train_network",
        *arguments,
        "--change=features=6,num_units=2,num_stages=1",
        f"--initial={tmp_path}/small/tiny.weights.h5",
        f"--initial_change={small}",
        "--learning_rate=0",
        f"--run_dir={tmp_path}/grown",
    )
    assert code == 0, err
    # It begins as good as the small one was, and larger.
    scores = [re.findall(r"pictures (\S+) dB", text) for text in (out, grown_out)]
    assert len(scores[0]) == 1 and scores[0] == scores[1]
    files = [tmp_path / name / "tiny.weights.h5" for name in ("small", "grown")]
    assert files[0].stat().st_size < files[1].stat().st_size


@keras.saving.register_keras_serializable(package="tests")
class OwnDeblocker(keras.layers.Layer):
    """A convolution."""

    def build(self, shape):
        self.residual = keras.layers.Conv2D(shape[-1], 3, padding="same")

    def call(self, x):
        return x + self.residual(x)


def test_a_network_of_ones_own_is_trained_on_from_its_file(tiny_data, tmp_path):
    network = DualPriorNetwork(
        OwnDeblocker(), CompressionClassifier(4, (2, 1)), num_stages=1, channels=1
    )
    network.build((None, None, None, 1))
    network.save_to_preset(tmp_path / "mine")
    network.save(tmp_path / "mine.keras")
    code, out, err = run(
        "train_network",
        f"--data_dir={tiny_data}",
        f"--preset={tmp_path}/mine",
        f"--initial={tmp_path}/mine.keras",
        *("--phases=1:2", "--learning_rate=0", f"--run_dir={tmp_path}/run", *SMALL),
    )
    assert code == 0, err
    config = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    # Its classifier has come along, and the rest.
    assert config["classifier"] is None and len(config["initial"]) == 64
    trained = DualPriorNetwork.from_preset(
        tmp_path / "mine", tmp_path / "run" / "mine.weights.h5"
    )
    for weight, before in zip(trained.weights, network.weights, strict=True):
        np.testing.assert_array_equal(np.asarray(weight), np.asarray(before))


def test_evaluate_prints_and_writes_the_table(trained, tiny, tiny_data, tmp_path):
    code, out, err = run(
        "evaluate",
        f"--data_dir={tiny_data}",
        "--datasets=classic5,live1",
        "--qualities=10",
        f"--preset={tiny}",
        f"--weights={trained}/network/tiny.weights.h5",
        f"--output={tmp_path}/new/tables",
    )
    assert code == 0, err
    assert "| JPEG " in out and f"| {tiny} " in out
    assert "| Proposed (Table 1) | " in out and "30.26" in out and "29.75" in out
    with open(tmp_path / "new" / "tables" / "evaluation.csv") as file:
        rows = list(csv.DictReader(file))
    measured = [row for row in rows if "Table 1" not in row["method"]]
    assert [(row["dataset"], row["method"]) for row in measured] == [
        ("classic5", "JPEG"),
        ("classic5", tiny),
        ("live1", "JPEG"),
        ("live1", tiny),
    ]
    table = (tmp_path / "new" / "tables" / "evaluation.md").read_text()
    assert table in out
    assert len({len(line) for line in table.splitlines()}) == 1  # aligned


def test_a_keras_file_holds_the_network(trained, tiny, tmp_path):
    path = tmp_path / "new" / "tiny.keras"
    weights = f"{trained}/network/tiny.weights.h5"
    code, out, err = run(
        "export", f"--preset={tiny}", f"--weights={weights}", f"--output={path}"
    )
    assert (code, out) == (0, f"Wrote {path}.\n"), err
    y = np.random.default_rng(0).uniform(size=(1, 17, 24, 1)).astype(np.float32)
    expected = DualPriorNetwork.from_preset(tiny, weights)(y)
    restored = keras.saving.load_model(path)(y)
    np.testing.assert_array_equal(np.asarray(restored), np.asarray(expected))
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("name", "suffix"), [("onnx", "onnx"), ("litert", "tflite")])
def test_other_formats_stand_beside_a_page_that_says_how_they_are_fed(
    trained, tiny, tmp_path, name, suffix
):
    pytest.importorskip("onnxruntime")
    path = tmp_path / "new" / f"tiny.{suffix}"
    code, out, err = run(
        *("export", f"--preset={tiny}", f"--output={path}", f"--format={name}"),
        *(f"--weights={trained}/network/tiny.weights.h5", "--tile=32"),
    )
    assert code == 0, err
    difference = re.fullmatch(
        rf"Wrote {path} and tiny.{suffix}.md: .* ([\d.e-]+) .*\n", out
    )
    assert difference and float(difference[1]) < 1e-4
    page = path.with_name(f"tiny.{suffix}.md").read_text()
    for text in ("image", "restored", "32", f"tiny.{suffix}"):
        assert text in page


def test_the_saved_model_needs_nothing_of_this_project(trained, tiny, tmp_path):
    code, _, err = run(
        "export",
        f"--preset={tiny}",
        f"--weights={trained}/network/tiny.weights.h5",
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
        tiny, trained / "network" / "tiny.weights.h5"
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
        (("evaluate", "--data_dir=/nowhere"), 1, "/nowhere/classic5, found none"),
        (("evaluate", "--datasets=kodak"), 1, "classic5, live1, bsds500; got 'kodak'"),
        (("evaluate", "--datasets="), 1, "--datasets: expected at least one"),
        (("evaluate", "--qualities=0"), 1, "whole numbers of 1 to 100, got 0"),
        (("evaluate", "--qualities=10,101"), 1, "of 1 to 100, got 10,101"),
        (("evaluate", "--qualities=ten"), 1, "whole numbers of 1 to 100, got ten"),
        (("evaluate", "--qualities="), 1, "whole numbers of 1 to 100, got none"),
        (("evaluate", "--metrics="), 1, "--metrics: expected at least one, got none"),
        (("evaluate", "--metrics=os:sep"), 1, "os:sep is a str"),
        (("evaluate", "--weights=a.weights.h5"), 1, "name the --preset"),
        (("evaluate", "--output=README.md"), 1, "a folder, README.md is a file"),
        (("evaluate", "--preset=huge"), 1, "there is no 'huge'"),
        (("evaluate", "classic5"), 2, "Expected flags only, got 'classic5'"),
        (("evaluate", "--colours"), 2, "Unknown command line flag"),
        (("train_network", "--phases=x"), 1, "or STAGES:MINUTESm, got 'x'"),
        (("train_network", "--phases=1:0m"), 1, "or STAGES:MINUTESm, got '1:0m'"),
        (
            ("train_network", "--preset=paper", "--recipe=photo"),
            1,
            "Expected a recipe for 'paper' pictures, which paper is for",
        ),
        (("train_network", "--recipe=huge"), 1, "paper, compact, photo"),
        (("train_network", "--phases=1:500,2:501"), 1, "epochs of 500, got 501"),
        (("train_network", "--change=size=3"), 1, "beta_init"),
        (("train_network", "--initial_change=features=4"), 1, "give it, too"),
        (("train_network", "--initial=nothing"), 1, "there is no 'nothing'"),
        (("train_network", "--devices=many"), 1, "or all; got many"),
        (("train_network", "--preset=photo"), 1, "train_colour trains"),
        (("train_network", "--classifier=/no.h5"), 1, "/no.h5: no such weights file"),
        (("train_network", "--qualities=1,x"), 1, "whole numbers of 1 to 100, got 1,x"),
        (("train_classifier", "--steps=0"), 2, "steps"),
        (("train_classifier", "--steps=501"), 1, "epochs of 250, got 501"),
        (("train_classifier", "--train_data=/nowhere"), 1, "got '/nowhere'"),
        (("train_classifier", "--train_data="), 1, "expected at least one source"),
        (("train_classifier", "--held_out=1"), 1, "expected at least 2, or a source"),
        (("train_contenders", "--contenders=GAN"), 1, "got 'GAN'"),
        (("export", "--weights=/no.h5"), 1, "/no.h5: no such weights file"),
        (("export", "--format=onnx", "--output=x.keras"), 1, "a file NAME.onnx, got"),
        (("export", "--tile=64"), 1, "onnx and litert only, not of saved_model"),
        (("export", "--format=litert", "--tile=63"), 1, "multiple of 8, got 63"),
    ],
)
def test_a_mistake_gets_one_line(
    trained, tiny_data, arguments, code, message, tmp_path, monkeypatch
):
    def slow(*_):
        raise AssertionError("Something slow was run first.")

    name, *own = arguments
    if name.startswith("train_"):
        classifier = f"--classifier={trained}/classifier/best.weights.h5"
        given = [classifier] if name == "train_network" else []
        own = [f"--run_dir={tmp_path}/run", *given, *own]
        monkeypatch.setattr(load(name), "faster_dtype", slow)
    if name != "export" and not any("data_dir" in argument for argument in own):
        own = [f"--data_dir={tiny_data}", *own]
    actual, out, err = run(name, *own)
    assert (actual, out) == (code, "")
    assert message in err and err.strip().count("\n") == 0, err


def test_in_a_process_of_its_own_a_binary_fails_in_one_line(tmp_path):
    (tmp_path / "classic5").mkdir()
    (tmp_path / "classic5" / "broken.png").write_bytes(b"junk")
    output = tmp_path / "out"
    process = start(
        "evaluate",
        f"--data_dir={tmp_path}",
        "--datasets=classic5",
        f"--output={output}",
        COLUMNS="80",
    )
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (1, "")
    assert "broken.png, found 4 bytes that cannot be decoded" in err
    lines = [line for line in err.splitlines() if not line.startswith("\r")]
    assert len(lines[-1:]) == 1 and "Traceback" not in err
    assert list(output.iterdir()) == []


def test_help_begins_with_the_command_to_type():
    process = start("train_network", "--help")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "python -m experiments.train_network --" in out
    for flag in ("--preset", "--train_data", "--seed"):  # shared ones, too
        assert flag in out
    for name in ("train_classifier", "evaluate", "export", "train_contenders"):
        assert f"    python -m experiments.{name} --" in load(name).__doc__
