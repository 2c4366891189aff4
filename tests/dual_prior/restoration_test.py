import keras
import numpy as np
import pytest

from dual_prior import restoration
from dual_prior.classifier import CompressionClassifier
from dual_prior.deblocker import Deblocker
from dual_prior.unfolding import DualPriorNetwork
from tests.conftest import made_picture


def _identity(y):
    return y


def _brighter(y):
    return y + np.float32(10 / 255)


def _colour(height=24, width=32):
    return np.stack([made_picture(height, width, seed) for seed in range(3)], axis=-1)


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(restoration, "TILE", 48)
    monkeypatch.setattr(restoration, "OVERLAP", 16)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (72, 88)])
def test_what_the_network_leaves_alone_comes_back(size):
    plane = np.resize(made_picture(), size)
    np.testing.assert_array_equal(restoration.restore(plane, _identity), plane)


def test_colour_comes_back_where_luma_does_not_change():
    image = _colour()
    np.testing.assert_array_equal(restoration.restore(image, _identity), image)


def test_a_change_of_luma_leaves_the_chroma():
    image = np.clip(_colour(), 20, 230)
    restored = restoration.restore(image, _brighter).astype(int)
    np.testing.assert_array_equal(restored - image, np.full_like(restored, 10))


def test_the_network_sees_jfif_luma():
    seen = []

    def network(y):
        seen.append(y)
        return y

    image = _colour()
    restoration.restore(image, network)
    expected = image @ np.array([0.299, 0.587, 0.114]) / 255
    np.testing.assert_allclose(seen[0][0, :, :, 0], expected, atol=1e-6)


def test_results_are_clipped_and_rounded():
    plane = np.uint8([[0, 100, 255]])
    restored = restoration.restore_luma(lambda y: y + np.float32(0.6 / 255), plane)
    np.testing.assert_array_equal(restored, [[1, 101, 255]])


def test_tiles_cover_everything_and_start_on_the_block_grid(small_tiles):
    shapes = []

    def network(y):
        shapes.append(y.shape[1:3])
        return y

    plane = made_picture(150, 101)
    np.testing.assert_array_equal(restoration.restore(plane, network), plane)
    assert len(shapes) == 5 * 3 and max(shapes) == (48, 48)
    stride = restoration.TILE - restoration.OVERLAP
    assert stride % 8 == 0 and (1024 - 64) % 8 == 0


def test_tiles_fade_into_each_other(small_tiles):
    tiles = iter(range(100))

    def network(y):  # each tile is of another brightness
        return np.zeros_like(y) + np.float32(next(tiles) * 20 / 255)

    restored = restoration.restore(made_picture(40, 120), network).astype(int)
    steps = np.abs(np.diff(restored, axis=1))
    assert restored.max() >= 40 and steps.max() <= 2


def test_tiles_differ_little_from_the_whole(small_tiles, monkeypatch):
    keras.utils.set_random_seed(0)
    network = DualPriorNetwork(
        Deblocker(features=4, num_units=1, reduced=2, dilations=(1,), scale=2),
        CompressionClassifier(4, (2,)),
        2,
        1,
        alpha_init=10.0,
    )
    plane = made_picture(110, 130)
    tiled = restoration.restore(plane, network).astype(int)
    monkeypatch.setattr(restoration, "TILE", 1024)
    whole = restoration.restore(plane, network).astype(int)
    assert np.abs(tiled - whole)[8:-8, 8:-8].max() <= 1


def test_progress_is_told(small_tiles):
    told = []
    restoration.restore(
        made_picture(72, 88), _identity, lambda done, total: told.append((done, total))
    )
    assert told == [(done, 6) for done in range(1, 7)]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(image):
    with pytest.raises(ValueError, match="Expected a picture"):
        restoration.restore(image, _identity)
