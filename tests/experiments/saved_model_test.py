import io

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from dual_prior.classifier import CompressionClassifier
from dual_prior.deblocker import Deblocker
from dual_prior.restoration import restore_array
from dual_prior.unfolding import DualPriorNetwork
from experiments.saved_model import export
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


@pytest.mark.parametrize("channels", [1, 3])
def test_grey_and_colour_jpegs_come_out_as_the_library_restores_them(
    tmp_path, channels
):
    network = _network(channels)
    export(network, tmp_path / "model")
    signature = tf.saved_model.load(tmp_path / "model").signatures["jpeg"]
    grey = Image.fromarray(made_picture(40, 56))
    colour = Image.merge(
        "RGB", [Image.fromarray(made_picture(33, 47, seed)) for seed in range(3)]
    )
    for image in (grey, colour):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=20)
        png = signature(jpeg=tf.constant([buffer.getvalue()]))["png"][0].numpy()
        restored = np.array(Image.open(io.BytesIO(png)))
        expected = restore_array(np.array(Image.open(buffer)), network, channels)
        assert np.any(expected != np.array(Image.open(buffer)))
        assert np.abs(restored.astype(int) - expected).max() <= 1


def test_what_is_no_saved_model_is_not_replaced(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    with pytest.raises(FileExistsError, match="no SavedModel"):
        export(_network(1), tmp_path / "precious")
    assert (tmp_path / "precious" / "file").exists()
