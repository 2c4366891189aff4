import keras
import numpy as np
import pytest

from dual_prior import jpeg
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from tests.conftest import made_picture


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of random weights for `compact` that change a picture visibly."""
    keras.utils.set_random_seed(0)
    network = DualPriorNetwork.from_preset("compact", weights=None)
    tail = network.deblocker.tail.kernel
    tail.assign(np.random.default_rng(0).normal(0, 0.01, tail.shape))
    path = tmp_path_factory.mktemp("weights") / "some.weights.h5"
    network.save_weights(path)
    return path


@pytest.fixture(scope="module")
def loaded(weights):
    """Restorers with these weights and the options given, compiled once."""
    restorer = Restorer(Options("compact", weights))

    def with_options(**options):
        restorer.options = Options("compact", weights, **options)
        return restorer

    return with_options


@pytest.fixture(scope="module")
def trained():
    """As `loaded`, with the weights of the preset."""
    restorer = Restorer(Options("compact"))

    def with_options(**options):
        restorer.options = Options("compact", **options)
        return restorer

    return with_options


def _with_probability(restorer, value):
    """The restorer with a classifier that always returns `value`."""
    for weight in restorer.network.classifier.probability.weights:
        weight.assign(np.zeros(weight.shape))
    bias = restorer.network.classifier.probability.bias
    bias.assign([np.log(value / (1 - value))])
    return restorer


@pytest.mark.parametrize("depth", [8, 16, None])
def test_the_depth_of_the_result_can_be_chosen(loaded, depth):
    expected = {8: np.uint8, 16: np.uint16, None: np.uint8}[depth]
    image = made_picture()
    result = loaded(depth=depth).restore(image)
    assert result.pixels.dtype == expected and result.pixels.shape == image.shape
    assert np.any(result.pixels.astype(float) / np.iinfo(expected).max != image / 255)


def test_clean_pictures_are_skipped_with_skip_clean(weights):
    image = made_picture()
    restorer = Restorer(Options("compact", weights, skip_clean=True))
    for probability, skipped in ((0.1, True), (0.5, False)):
        result = _with_probability(restorer, probability).restore(image)
        assert result.probability == pytest.approx(probability, abs=1e-6)
        assert result.skipped is skipped
        assert np.array_equal(result.pixels, image) is skipped


@pytest.mark.parametrize("size", [(1, 1), (40, 2000), (800, 900)])
def test_any_size_gets_a_probability(loaded, size):
    image = np.resize(made_picture(), size)
    for picture in (image, np.stack([image] * 3, axis=-1)):
        assert 0 <= loaded().probability(picture) <= 1


def test_less_memory_does_not_show(trained):
    # One half of stripes, one flat: tiles that know nothing of each other would differ.
    plane = np.hstack([made_picture(400, 400), np.full((400, 400), 120, np.uint8)])
    plane = jpeg.compress(plane, 15)
    whole, tiled = (
        trained(max_memory=memory).restore(plane).pixels for memory in (3.0, 1.2)
    )
    difference = np.abs(tiled.astype(int) - whole)
    assert 0 < difference.max() <= 1


def test_the_ensemble_restores_turned_pictures_alike(loaded):
    image = made_picture(40, 64)

    def unlike(restorer):
        turned = restorer.restore(np.rot90(image)).pixels
        return np.abs(np.rot90(turned, -1).astype(int) - restorer.restore(image).pixels)

    assert unlike(loaded(ensemble=True)).max() <= 1 < unlike(loaded()).max()


def test_tiles_of_the_ensemble_do_not_show(trained):
    plane = jpeg.compress(made_picture(40, 520), 15)
    whole, tiled = (
        trained(ensemble=True, max_memory=memory).restore(plane)
        for memory in (3.0, 1.2)
    )
    assert 0 < np.abs(tiled.pixels.astype(int) - whole.pixels).max() <= 1


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((9, 9, 3)),
        np.zeros((9, 9), np.int64),
        np.zeros((9, 9, 4), np.uint8),
        np.zeros((1, 9, 9, 3), np.uint8),
        np.zeros((0, 9), np.uint8),
    ],
)
def test_files_that_are_not_pictures_are_rejected(loaded, image):
    for call in (loaded().restore, loaded().probability):
        with pytest.raises(ValueError, match=r"Expected a picture \[H, W\]"):
            call(image)


def test_the_same_picture_gives_the_same_result(weights):
    image = made_picture()
    first, second = (
        Restorer(Options("compact", weights)).restore(image).pixels for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
