import dataclasses

import keras
import numpy as np
import pytest

from dual_prior.jpeg.table_plane import UNKNOWN
from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.pixels import LUMA_WEIGHTS, restore_array
from tests.conftest import made_picture


def _identity(y):
    return y


def _brighter(y):
    return y + np.float32(10 / 255)


def _colour(height=32, width=40):
    return np.stack([made_picture(height, width, seed) for seed in range(3)], axis=-1)


def _deep(image):
    """16 bits, with something in the lower eight."""
    noise = np.random.default_rng(0).integers(0, 256, image.shape)
    return (image.astype(np.uint16) << 8) + noise.astype(np.uint16)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 5), (72, 88)])
def test_an_identity_network_returns_the_picture(size, channels):
    plane = np.resize(made_picture(), size)
    colour = np.resize(_colour(), (*size, 3))
    for image in (plane, colour, _deep(plane), _deep(colour)):
        restored = restore_array(image, _identity, channels)
        np.testing.assert_array_equal(restored, image)


def test_a_change_of_luma_leaves_the_chroma():
    image = np.clip(_colour(), 20, 230)
    restored = restore_array(image, _brighter).astype(int)
    np.testing.assert_array_equal(restored - image, np.full_like(restored, 10))


@pytest.mark.parametrize("image", [made_picture(), _colour()])
def test_a_network_of_three_channels_takes_grey_and_colour(image):
    image = np.clip(image, 20, 230)
    seen = []
    restored = restore_array(image, lambda y: seen.append(y) or _brighter(y), 3)
    np.testing.assert_array_equal(restored, image + 10)
    expected = image[..., None] if image.ndim == 2 else image
    expected = np.broadcast_to(expected, (*image.shape[:2], 3)) / 255
    np.testing.assert_allclose(seen[0][0], expected, atol=1e-6)


def test_a_network_of_one_channel_sees_jfif_luma():
    seen = []
    image = _colour()
    restore_array(image, lambda y: seen.append(y) or y)
    expected = image @ np.array(LUMA_WEIGHTS) / 255
    np.testing.assert_allclose(seen[0][0, :, :, 0], expected, atol=1e-6)


def test_small_pictures_get_edge_padding():
    seen = []
    image = np.array([[10, 20, 30]], np.uint8)
    restore_array(image, lambda y: seen.append(y) or y)
    row = np.float32([10, 20] + 30 * [30]) / 255
    np.testing.assert_allclose(seen[0][0, :, :, 0], np.tile(row, (32, 1)))


def test_results_are_clipped_and_rounded():
    plane = np.uint8([[0, 100, 255]])
    restored = restore_array(plane, lambda y: y + np.float32(0.6 / 255))
    np.testing.assert_array_equal(restored, [[1, 101, 255]])


def test_sixteen_bits_keep_what_eight_would_round_away():
    plane = np.uint8([[0, 100, 255]])
    restored = restore_array(plane, lambda y: y + np.float32(0.3 / 255), dtype="uint16")
    assert restored.dtype == np.uint16
    np.testing.assert_array_equal(restored, [[77, 25777, 65535]])


def test_a_strength_of_0_returns_the_picture_bit_for_bit():
    image = _colour()
    wild = restore_array(image, lambda y: 1 - y, 3, strength=0.0)
    np.testing.assert_array_equal(wild, image)


def test_more_strength_never_changes_less():
    image = _colour()
    changes = [
        np.abs(restore_array(image, lambda y: 1 - y, 3, s).astype(int) - image)
        for s in np.linspace(0, 1, 6)
    ]
    for weaker, stronger in zip(changes, changes[1:], strict=False):
        assert np.all(stronger >= weaker) and np.any(stronger > weaker)


@pytest.mark.parametrize("tile", [128, 768])
@pytest.mark.parametrize("origin", [(0, 0), (3, 5), (12, 8)])
def test_what_a_network_sees_begins_with_a_block(origin, tile):
    image = np.clip(made_picture(250, 270), 20, 230)
    tables = dataclasses.replace(UNKNOWN, origin=origin)

    def brighter_in_corners(y, tables):
        assert all(start % 8 == 0 for start in tables.origin)
        restored = y.copy()
        restored[:, ::8, ::8] += np.float32(10 / 255)
        return restored

    restored = restore_array(image, brighter_in_corners, tables=tables, tile=tile)
    row, column = (-start % 8 for start in origin)
    image[row::8, column::8] += 10
    np.testing.assert_array_equal(restored, image)


def test_tiles_differ_little_from_the_whole():
    keras.utils.set_random_seed(0)
    network = DualPriorNetwork(
        Deblocker(features=4, num_units=1, reduced=2, dilations=(1,), scale=2),
        CompressionClassifier(4, (2,)),
        2,
        1,
        alpha_init=10.0,
    )
    network.build((None, None, None, 1))
    rng = np.random.default_rng(0)
    network.deblocker.tail.kernel.assign(rng.normal(0, 0.05, (4, 4, 1, 4)))
    plane = made_picture(250, 270)
    whole = restore_array(plane, network).astype(int)
    tiled = restore_array(plane, network, tile=128).astype(int)
    assert np.abs(whole - plane).max() > 10  # it does something
    assert np.abs(tiled - whole)[8:-8, 8:-8].max() <= 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4), np.uint8),
    ],
)
def test_files_that_are_not_pictures_are_rejected(image):
    with pytest.raises(ValueError, match="Expected a picture"):
        restore_array(image, _identity)


@pytest.mark.parametrize("strength", [-0.1, 1.1, np.nan])
def test_a_strength_out_of_range_is_refused(strength):
    with pytest.raises(ValueError, match="strength of 0 to 1"):
        restore_array(made_picture(), _identity, strength=strength)


def test_another_depth_is_refused():
    with pytest.raises(ValueError, match="uint8 or uint16, got float32"):
        restore_array(made_picture(), _identity, dtype="float32")
