"""Every binary, as a person runs it, on tiny data."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

from dual_prior.unfolding import DualPriorNetwork
from tests.conftest import ROOT, made_picture


def _start(name, *arguments, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", f"experiments.{name}", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def _run(name, *arguments, **environment):
    """(exit code, stdout, stderr) of a binary."""
    process = _start(name, *arguments, **environment)
    out, err = process.communicate()
    return process.returncode, out, err


SMALL = ("--batch_size=2", "--patch_size=32", "--steps_per_epoch=2")


@pytest.fixture(scope="module")
def trained(tiny_data, tmp_path_factory):
    """Weights that both training stages, run one after the other, have written."""
    folder = tmp_path_factory.mktemp("runs")
    code, out, err = _run(
        "train_classifier",
        f"--data_dir={tiny_data}",
        f"--run_dir={folder}/classifier",
        "--steps=4",
        *SMALL,
    )
    assert code == 0, err
    code, out, err = _run(
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
    code, _, err = _run(
        "train_classifier",
        f"--data_dir={tiny_data}",
        f"--run_dir={trained}/classifier",
        "--steps=2",
        *SMALL,
    )
    assert code == 1 and err.count("\n") == 1
    assert "another configuration" in err and "recipe" in err


def test_evaluate_prints_and_writes_the_table(trained, tiny_data, tmp_path):
    code, out, err = _run(
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
    code, out, err = _run("export", f"--weights={weights}", f"--output={path}")
    assert (code, out) == (0, f"Wrote {path}.\n"), err
    y = np.random.default_rng(0).uniform(size=(1, 17, 24, 1)).astype(np.float32)
    expected = DualPriorNetwork.from_preset("compact", weights)(y)
    restored = keras.saving.load_model(path)(y)
    np.testing.assert_array_equal(np.asarray(restored), np.asarray(expected))
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_saved_model_needs_nothing_of_this_project(trained, tmp_path):
    code, _, err = _run(
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
for name, png in zip(("grey", "colour"), jpeg(jpeg=tf.constant(data))["png"].numpy()):
    open(name + ".restored.png", "wb").write(png)
for bad in (b"", b"no picture", open("grey.png", "rb").read(), data[0][:300]):
    try:
        jpeg(jpeg=tf.constant([bad]))
        sys.exit("was taken: " + repr(bad[:20]))
    except tf.errors.InvalidArgumentError:
        pass
assert len(jpeg(jpeg=tf.constant(data))["png"]) == 2
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert done.returncode == 0, done.stderr

    from dual_prior.restoration import restore_array
    from dual_prior.unfolding import DualPriorNetwork

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


def test_killed_while_training_it_ends_as_if_it_had_not_been(tiny_data, tmp_path):
    def arguments(run):
        return (f"--data_dir={tiny_data}", f"--run_dir={tmp_path / run}", "--steps=60")

    process = _start("train_classifier", *arguments("killed"), *SMALL)
    checkpoints = tmp_path / "killed" / "checkpoints"
    deadline = time.monotonic() + 120
    while not list(checkpoints.glob("epoch-*.npz")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    outputs = []
    for run in ("killed", "whole"):
        code, out, err = _run("train_classifier", *arguments(run), *SMALL)
        assert code == 0, err
        newest = sorted((tmp_path / run / "checkpoints").glob("epoch-*.npz"))[-1]
        with np.load(newest) as archive:
            outputs.append({name: archive[name] for name in archive.files})
    killed, whole = outputs
    assert killed.keys() == whole.keys()
    for name in whole:
        np.testing.assert_array_equal(killed[name], whole[name])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("evaluate", "--data_dir=/nowhere"), 1, "/nowhere/classic5: no such folder"),
        (("evaluate", "--datasets=kodak"), 1, "classic5, live1, bsds500; got 'kodak'"),
        (("evaluate", "--qualities=0"), 1, "whole numbers of 1 to 100, got 0"),
        (("evaluate", "--colour"), 2, "Unknown command line flag"),
        (("train_network", "--phases=x"), 1, "expected STAGES:STEPS, got 'x'"),
        (("train_network", "--phases=1:500,2:501"), 1, "epochs of 500, got 501"),
        (("train_network", "--classifier=/no.h5"), 1, "/no.h5: no such weights file"),
        (("train_classifier", "--steps=0"), 2, "steps"),
        (("train_classifier", "--steps=501"), 1, "epochs of 250, got 501"),
        (("export", "--preset=paper"), 1, "No weights ship with"),
        (("export", "--weights=/no.h5"), 1, "/no.h5: no such weights file"),
    ],
)
def test_a_mistake_gets_one_line(arguments, code, message, tmp_path, monkeypatch):
    name, flag = arguments
    extra = [f"--run_dir={tmp_path}/run"] if name.startswith("train") else []
    actual, out, err = _run(name, flag, *extra)
    assert (actual, out) == (code, "")
    assert message in err and err.strip().count("\n") == 0, err


@pytest.mark.parametrize(
    "name", ["train_classifier", "train_network", "evaluate", "export"]
)
def test_help_begins_with_the_command_to_type(name):
    code, out, _ = _run(name, "--help")
    assert f"python -m experiments.{name} --" in out and "--preset" in out


def test_training_and_measuring_run_on_jax_too(tiny_data, tmp_path):
    def run(name, *arguments):
        code, out, err = _run(
            name, f"--data_dir={tiny_data}", *arguments, KERAS_BACKEND="jax"
        )
        assert code == 0, err
        return out

    run("train_classifier", f"--run_dir={tmp_path}/classifier", "--steps=2", *SMALL)
    run(
        "train_network",
        f"--run_dir={tmp_path}/network",
        f"--classifier={tmp_path}/classifier/best.weights.h5",
        "--phases=2:4",
        "--steps_per_execution=2",
        *SMALL,
    )
    record = json.loads((tmp_path / "network" / "config.json").read_text())
    assert record["versions"]["backend"] == "jax"
    arguments = (
        "--datasets=classic5",
        "--qualities=10",
        "--nopaper",
        "--preset=compact",
        f"--weights={tmp_path}/network/compact.weights.h5",
    )
    on_jax = run("evaluate", *arguments)
    code, on_tensorflow, err = _run("evaluate", f"--data_dir={tiny_data}", *arguments)
    assert code == 0, err
    assert "| compact |" in on_jax and on_jax == on_tensorflow


def test_benchmark_prints_and_writes_how_fast_all_is(tiny_data, tmp_path):
    shutil.copytree(tiny_data, tmp_path / "data")
    shutil.copytree(tmp_path / "data" / "live1", tmp_path / "data" / "cid22")
    output = tmp_path / "speed.md"
    code, out, err = _run(
        "benchmark",
        f"--data_dir={tmp_path / 'data'}",
        f"--output={output}",
        *("--folder=2", "--large=0.1", "--repeats=1"),
        *("--preset=photo", "--notraining"),
    )
    assert code == 0, err
    assert out == output.read_text()
    for row in ("network / DnCNN's architecture", "a process each", "as one batch"):
        assert row in out
    code, _, err = _run("benchmark", f"--data_dir={tmp_path / 'data'}", "--folder=9")
    assert code == 1 and "expected at most 3" in err and "Traceback" not in err


def test_contenders_are_trained_with_the_shipped_classifier(tiny_data, tmp_path):
    arguments = (
        f"--data_dir={tiny_data}",
        f"--run_dir={tmp_path}",
        *("--seeds=0", "--minutes=0.001"),
    )
    code, out, err = _run("train_contenders", "--contenders=K = 1", *arguments)
    assert code == 0, err
    assert "s a step" in out and "dB" in out
    assert (tmp_path / "classifier.weights.h5").exists()
    assert (tmp_path / "k-1-0" / "result.json").exists()
    code, _, err = _run("train_contenders", "--contenders=GAN", *arguments)
    assert code == 1 and "got 'GAN'" in err and "Traceback" not in err
