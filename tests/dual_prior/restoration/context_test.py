import functools

import cv2
import keras
import numpy as np
import pytest

from dual_prior.jpeg import compress
from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.deblocker import Deblocker
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration import context
from dual_prior.restoration.context import in_context, picture_contexts
from dual_prior.restoration.pixels import restore_array, seen_by
from tests.conftest import ROOT, made_picture

SEEN = functools.partial(seen_by, 1)


@pytest.fixture(scope="module")
def network():
    """One that looks at the whole picture and changes it by tens of grey levels."""
    keras.utils.set_random_seed(0)
    network = DualPriorNetwork(
        Deblocker(features=8, num_units=2, reduced=4, scale=2),
        CompressionClassifier(4, (2, 1)),
        num_stages=2,
        num_descent_steps=1,
        alpha_init=10.0,
    )
    network.build((None, None, None, 1))
    tail = network.deblocker.tail.kernel
    tail.assign(np.random.default_rng(0).normal(0, 0.02, tail.shape))
    return network


def test_a_picture_of_one_window_has_its_own_contexts(network):
    plane = made_picture()[..., None]
    y = x = SEEN(plane)[None]
    own = []
    for stage in network.stages:
        u, contexts = network.deblocker.with_contexts(x)
        x, own = stage.after(y, x, u)["x"], [*own, np.asarray(contexts)]
    np.testing.assert_array_equal(np.asarray(x), np.asarray(network(y)))
    shared = picture_contexts(network, plane, SEEN)
    np.testing.assert_allclose(shared, own, atol=1e-4 * np.abs(own).max())


def test_tiles_that_share_contexts_differ_little_from_the_whole(network):
    # Half a face, half a flat wall: with contexts of their own, tiles differ.
    plane = cv2.imread(str(ROOT / "samples" / "astronaut.jpg"), cv2.IMREAD_GRAYSCALE)
    plane = compress(np.hstack([plane[:256, :320], np.full((256, 320), 90, "u1")]), 10)
    whole = restore_array(plane, network).astype(int)

    def largest_difference(of_tiles):
        tiled = restore_array(plane, of_tiles, tile=256).astype(int)
        return np.abs(tiled - whole)[:, 8:-8].max()

    shared = picture_contexts(network, plane[..., None], SEEN)
    assert largest_difference(network) > 1
    assert largest_difference(functools.partial(in_context, network, shared)) <= 1


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (1, [0]),
        (256, [0]),
        (300, [0, 40]),
        (1280, [0, 256, 512, 768, 1024]),
        (4256, [0, 1000, 2000, 3000, 4000]),
    ],
)
def test_windows_cover_small_pictures_and_sample_large_ones(side, expected):
    assert context._starts(side) == expected
