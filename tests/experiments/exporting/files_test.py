"""ONNX and LiteRT files, run by their own runtimes, beside Keras."""

import io
import logging

import keras
import numpy as np
import pytest
from PIL import Image

from dual_prior.jpeg.header import read_jpeg_header
from dual_prior.jpeg.table_plane import tables_of
from dual_prior.network.unfolding import DualPriorNetwork
from experiments.exporting import onnx_file
from experiments.exporting.litert_file import write_litert
from experiments.exporting.onnx_file import write_onnx
from experiments.exporting.pixels import restored
from tests.conftest import made_picture
from tests.experiments.exporting import networks

onnxruntime = pytest.importorskip("onnxruntime")


def _noise(height, width, channels):
    shape = (1, height, width, channels)
    return np.random.default_rng(height).uniform(size=shape).astype(np.float32)


def _session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options)


def _run(session, image, **tables):
    (found,) = session.run(None, {"image": image.transpose(0, 3, 1, 2), **tables})
    return found.transpose(0, 2, 3, 1)


@pytest.mark.parametrize("name", ["paper_like", "compact_like", "colour"])
def test_an_onnx_file_computes_what_keras_does_at_any_size(name, tmp_path):
    network = getattr(networks, name)()
    path = tmp_path / "network.onnx"
    assert write_onnx(network, path) < 1e-4
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    session = _session(path)
    (given,), (found,) = session.get_inputs(), session.get_outputs()
    assert given.shape == found.shape == [1, network.channels, "height", "width"]
    assert given.type == found.type == "tensor(float)"
    for height, width in ((64, 64), (32, 48), (37, 51)):
        image = _noise(height, width, network.channels)
        expected = np.array(restored(network, image))
        assert np.abs(expected - image).max() > 0.01
        np.testing.assert_allclose(_run(session, image), expected, atol=1e-4)


def test_an_onnx_file_takes_the_tables_of_a_jpeg(tmp_path):
    network = networks.colour()
    path = tmp_path / "network.onnx"
    write_onnx(network, path, tile=48)
    session = _session(path)
    rgb = np.stack([made_picture(48, 48, seed) for seed in range(3)], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=20)
    tables = tables_of(read_jpeg_header(buffer.getvalue()))
    image = np.array(Image.open(buffer), np.float32)[None] / 255
    expected = np.array(restored(network, image, tables.planes(48, 48)[None]))
    found = _run(
        session,
        image,
        steps=tables.steps.astype(np.float32),
        sampling=np.array(tables.sampling, np.int32),
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(_run(session, image) - expected).max() > 1e-3


def test_grey_stays_grey_in_a_colour_network():
    network = networks.colour()
    image = np.repeat(_noise(32, 40, 1), 3, axis=-1)
    found = np.array(restored(network, image))
    np.testing.assert_allclose(found, found[..., :1] * np.ones(3), atol=1e-6)
    np.testing.assert_allclose(found[..., :1], network.luma(image[..., :1]), atol=1e-6)


@pytest.mark.parametrize("name", ["compact_like", "colour"])
def test_a_litert_file_computes_what_keras_does(name, tmp_path):
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    network = getattr(networks, name)()
    path = tmp_path / "network.tflite"
    assert write_litert(network, path, tile=48) < 1e-4
    interpreter = interpreters.Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,), (found,) = (
        interpreter.get_input_details(),
        interpreter.get_output_details(),
    )
    image = _noise(48, 48, network.channels)
    interpreter.set_tensor(given["index"], image)
    interpreter.invoke()
    expected = np.array(restored(network, image))
    np.testing.assert_allclose(
        interpreter.get_tensor(found["index"]), expected, atol=1e-4
    )


def _with_classifier(classifier):
    network = networks.compact_like()
    return DualPriorNetwork(network.deblocker, classifier, 1, 1)


def test_what_cannot_be_converted_fails_in_one_line_and_leaves_no_file(
    tmp_path, monkeypatch, caplog, capfd
):
    own = keras.Sequential(
        [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(1, "sigmoid")]
    )
    network = _with_classifier(own)
    network.build((None, None, None, 1))
    for write in (write_onnx, write_litert):
        with pytest.raises(ValueError, match="CompressionClassifier.*got a Sequential"):
            write(network, tmp_path / "network")

    @keras.saving.register_keras_serializable(package="tests")
    class Fourier(keras.layers.Layer):
        channels = 1

        def call(self, x):
            return keras.ops.real(keras.ops.fft2((x, 0 * x))[0]) + x

    network = DualPriorNetwork(Fourier(), networks.compact_like().classifier, 1, 0)
    network.build((None, None, None, 1))
    for write in (write_onnx, write_litert):
        with pytest.raises(ValueError, match="cannot be converted") as error:
            write(network, tmp_path / "network")
        assert "\n" not in str(error.value)

    def wrong(network, image, aux=None, function=None):
        return image

    monkeypatch.setattr(onnx_file, "restored", wrong)
    with pytest.raises(ValueError, match="the file is wrong: it is off by"):
        write_onnx(networks.compact_like(), tmp_path / "network")
    assert not list(tmp_path.iterdir())
    errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
    assert not errors and capfd.readouterr().err == ""
