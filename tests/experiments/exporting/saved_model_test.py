import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dual_prior.jpeg.header import read_jpeg_header
from dual_prior.jpeg.table_plane import tables_of
from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import restore_array
from experiments.exporting.pixels import restored
from experiments.exporting.saved_model import write_saved_model
from tests.conftest import made_picture
from tests.experiments.exporting import networks


def _network(channels):
    keras.utils.set_random_seed(0)
    network = DualPriorNetwork(
        Deblocker(channels, features=4, num_units=1, reduced=2, scale=2),
        CompressionClassifier(4, (2, 1)),
        1,
        1,
        alpha_init=10.0,
    )
    network.build((None, None, None, channels))
    tail = network.deblocker.tail.kernel
    tail.assign(np.random.default_rng(0).normal(0, 0.05, tail.shape))
    return network


def _jpeg(image):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=20)
    return buffer.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_jpegs_come_out_as_the_library_restores_them(
    tmp_path, channels
):
    network = _network(channels)
    write_saved_model(network, tmp_path / "model")
    signature = tf.saved_model.load(tmp_path / "model").signatures["jpeg"]
    grey = Image.fromarray(made_picture(40, 56))
    colour = Image.merge(
        "RGB", [Image.fromarray(made_picture(33, 47, seed)) for seed in range(3)]
    )
    for image in (grey, colour, grey.crop((0, 0, 9, 20)), colour.crop((0, 0, 40, 5))):
        data = _jpeg(image)
        png = signature(jpeg=tf.constant([data]))["png_bytes"][0].numpy()
        restored = np.array(Image.open(io.BytesIO(png)))
        compressed = np.array(Image.open(io.BytesIO(data)))
        expected = restore_array(compressed, network, channels)
        assert np.any(expected != compressed)
        assert np.abs(restored.astype(int) - expected).max() <= 1


def test_a_network_for_colour_files_reads_their_tables(tmp_path):
    network = networks.colour()
    write_saved_model(network, tmp_path / "model")
    assert "b64" in (tmp_path / "model" / "README.md").read_text()
    signatures = tf.saved_model.load(tmp_path / "model").signatures
    rgb = [Image.fromarray(made_picture(41, 56, seed)) for seed in range(3)]
    image = Image.merge("RGB", rgb)
    for options in (
        {"subsampling": "4:2:0", "progressive": True},
        {"subsampling": "4:2:2", "comment": b"x" * 300},
        {"subsampling": "4:4:4", "qtables": [list(range(1, 65)), [9] * 64]},
    ):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=20, **options)
        data = buffer.getvalue()
        png = signatures["jpeg"](jpeg=tf.constant([data]))["png_bytes"][0].numpy()
        tables = tables_of(read_jpeg_header(data))
        pixels = np.array(Image.open(buffer))
        planes = tables.planes(*pixels.shape[:2])
        y = pixels[None] / np.float32(255)
        expected = np.array(restored(network, y, planes[None]))[0]
        found = np.array(Image.open(io.BytesIO(png))) / np.float32(255)
        assert np.abs(found - np.clip(expected, 0, 1)).max() < 1.1 / 255
        without = np.array(signatures["rgb"](rgb=tf.constant(y))["restored"])[0]
        np.testing.assert_allclose(without, restored(network, y)[0], atol=1e-5)
        assert np.abs(found - without).max() > 2 / 255
    grey = _jpeg(image.convert("L"))
    png = signatures["jpeg"](jpeg=tf.constant([grey]))["png_bytes"][0].numpy()
    assert Image.open(io.BytesIO(png)).mode == "L"


def test_a_bad_file_is_an_error_and_spoils_no_later_call(tmp_path):
    write_saved_model(_network(1), tmp_path / "model")
    signature = tf.saved_model.load(tmp_path / "model").signatures["jpeg"]
    good = _jpeg(Image.fromarray(made_picture(40, 56)))
    frame = good.index(b"\xff\xc0")

    def changed(at, value):
        return good[: frame + at] + value + good[frame + at + len(value) :]

    wrong = [
        *(b"", b"GIF89a", good[:20], good[: len(good) // 2]),
        changed(5, b"\xff\xff\xff\xff"),  # 65535 x 65535
        changed(4, b"\x0c"),  # 12 bits
        *(changed(1, b"\xc3"), changed(1, b"\xc5")),  # lossless, hierarchical
    ]
    for bad in 2 * wrong:
        for batch in ([bad], [good, bad]):
            with pytest.raises(tf.errors.InvalidArgumentError):
                signature(jpeg=tf.constant(batch))
    filled = good[:frame] + b"\xff\xff" + good[frame:]
    png = signature(jpeg=tf.constant([good, filled, good]))["png_bytes"].numpy()
    assert png[0].startswith(b"\x89PNG") and len(set(png)) == 1
    assert len(signature(jpeg=tf.constant([], tf.string))["png_bytes"]) == 0


def test_a_folder_that_is_not_a_saved_model_is_not_replaced(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    with pytest.raises(FileExistsError, match="not a SavedModel"):
        write_saved_model(_network(1), tmp_path / "precious")
    assert (tmp_path / "precious" / "file").exists()
