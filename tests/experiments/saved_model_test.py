import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.reader import read_picture
from dual_prior.restoration.pixels import restore_array
from experiments.saved_model import write_saved_model
from tests.conftest import made_picture


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
        png = signature(jpeg=tf.constant([data]))["png"][0].numpy()
        restored = np.array(Image.open(io.BytesIO(png)))
        compressed = np.array(Image.open(io.BytesIO(data)))
        expected = restore_array(compressed, network, channels)
        assert np.any(expected != compressed)
        assert np.abs(restored.astype(int) - expected).max() <= 1


def test_a_bad_file_spoils_neither_the_batch_nor_the_next_call(tmp_path):
    write_saved_model(_network(1), tmp_path / "model")
    signature = tf.saved_model.load(tmp_path / "model").signatures["jpeg"]
    good = _jpeg(Image.fromarray(made_picture(40, 56)))
    huge = bytearray(good)
    size = huge.index(b"\xff\xc0") + 5
    huge[size : size + 4] = b"\xff\xff\xff\xff"  # 65535 x 65535
    wrong = (b"", b"GIF89a", good[:20], good[: len(good) // 2], bytes(huge))
    for _ in range(2):
        for bad in wrong:
            with pytest.raises(tf.errors.InvalidArgumentError):
                signature(jpeg=tf.constant([bad]))
        png = signature(jpeg=tf.constant([good, *wrong, good]))["png"].numpy()
        assert list(png[1:-1]) == [b""] * len(wrong)
        assert png[0] == png[-1] == signature(jpeg=tf.constant([good]))["png"][0]
    assert len(signature(jpeg=tf.constant([], tf.string))["png"]) == 0


def test_what_libjpeg_does_not_decode_is_refused_as_by_the_command(tmp_path):
    write_saved_model(_network(1), tmp_path / "model")
    signature = tf.saved_model.load(tmp_path / "model").signatures["jpeg"]
    good = _jpeg(Image.fromarray(made_picture(40, 56)))
    frame = good.index(b"\xff\xc0")
    filled = good[:frame] + b"\xff\xff" + good[frame:]
    assert signature(jpeg=tf.constant([filled]))["png"][0] != b""
    for at, value in ((4, 12), (1, 0xC3), (1, 0xC5)):
        bad = bytearray(good)
        bad[frame + at] = value
        with pytest.raises(PictureError) as told:
            read_picture(bytes(bad))
        reason = str(told.value).split(": ")[1]
        with pytest.raises(tf.errors.InvalidArgumentError, match=reason):
            signature(jpeg=tf.constant([bytes(bad)]))


def test_what_is_no_saved_model_is_not_replaced(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    with pytest.raises(FileExistsError, match="no SavedModel"):
        write_saved_model(_network(1), tmp_path / "precious")
    assert (tmp_path / "precious" / "file").exists()
