import keras
import numpy as np
import pytest

from dual_prior import jpeg
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.restoration import restorer as module
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


def _restorer(weights, **options):
    return Restorer(Options("compact", weights, **options))


def _with_probability(restorer, value):
    """The restorer with a classifier that says `value` of everything."""
    for weight in restorer.network.classifier.probability.weights:
        weight.assign(np.zeros(weight.shape))
    bias = restorer.network.classifier.probability.bias
    bias.assign([np.log(value / (1 - value))])
    return restorer


@pytest.mark.parametrize("depth", [8, 16, None])
def test_the_depth_of_the_result_is_the_one_asked_for(weights, depth):
    expected = {8: np.uint8, 16: np.uint16, None: np.uint8}[depth]
    image = made_picture()
    result = _restorer(weights, depth=depth).restore(image)
    assert result.pixels.dtype == expected and result.pixels.shape == image.shape
    assert np.any(result.pixels.astype(float) / np.iinfo(expected).max != image / 255)


def test_clean_pictures_are_left_alone_when_asked(weights, monkeypatch):
    preset = module.find_preset("compact")
    monkeypatch.setattr(
        module,
        "find_preset",
        lambda name: module.dataclasses.replace(preset, clean_below=0.4),
    )
    image = made_picture()
    for probability, skipped in ((0.3, True), (0.5, False)):
        restorer = _with_probability(_restorer(weights, skip_clean=True), probability)
        result = restorer.restore(image)
        assert result.probability == pytest.approx(probability, abs=1e-6)
        assert result.skipped is skipped
        assert np.array_equal(result.pixels, image) is skipped


def test_skipping_needs_a_measured_threshold(weights, monkeypatch):
    preset = module.find_preset("compact")
    monkeypatch.setattr(
        module,
        "find_preset",
        lambda name: module.dataclasses.replace(preset, clean_below=None),
    )
    with pytest.raises(ValueError, match="no threshold was measured"):
        _restorer(weights, skip_clean=True)


@pytest.mark.parametrize("size", [(1, 1), (40, 2000), (800, 900)])
def test_any_size_gets_a_probability(weights, size):
    image = np.resize(made_picture(), size)
    for picture in (image, np.stack([image] * 3, axis=-1)):
        assert 0 <= _restorer(weights).probability(picture) <= 1


def test_less_memory_takes_smaller_tiles(weights):
    image = np.zeros((3000, 4000, 3), np.uint8)
    sides = [_restorer(weights, max_memory=m)._tile(image) for m in (1.2, 2, 3, 64)]
    assert sides == sorted(sides) and sides[0] < sides[2]
    assert all(side % 8 == 0 and side >= 192 for side in sides)


def test_a_picture_that_cannot_fit_is_refused(weights):
    image = np.broadcast_to(np.zeros(3, np.uint8), (10_000, 10_000, 3))
    with pytest.raises(
        MemoryError, match="about 2.4 GiB; max_memory allows 1.2: raise"
    ):
        _restorer(weights, max_memory=1.2)._tile(image)


def test_alpha_takes_memory_too(weights):
    image = np.zeros((4000, 5000, 3), np.uint8)
    restorer = _restorer(weights, max_memory=1.6)
    assert restorer._tile(image, 4) < restorer._tile(image, 3) == restorer._tile(image)


def test_the_papers_network_takes_smaller_tiles(weights):
    image = np.zeros((3000, 4000), np.uint8)
    restorer = _restorer(weights)
    papers = module.find_preset("paper").bytes_per_tile_pixel
    own = restorer._tile(image)
    restorer.options = module.dataclasses.replace(restorer.options, preset="paper")
    assert restorer._tile(image) < own / 1.5 < papers


def test_less_memory_does_not_show():
    # One half of stripes, one flat: tiles that know nothing of each other would differ.
    plane = np.hstack([made_picture(400, 400), np.full((400, 400), 120, np.uint8)])
    plane = jpeg.compress(plane, 15)
    whole, tiled = (
        Restorer(Options("compact", max_memory=memory)).restore(plane).pixels
        for memory in (3.0, 1.2)
    )
    difference = np.abs(tiled.astype(int) - whole)
    assert 0 < difference.max() <= 1


def test_the_ensemble_restores_turned_pictures_alike(weights):
    image = made_picture(40, 64)
    alone, ensemble = _restorer(weights), _restorer(weights, ensemble=True)

    def unlike(restorer):
        turned = restorer.restore(np.rot90(image)).pixels
        return np.abs(np.rot90(turned, -1).astype(int) - restorer.restore(image).pixels)

    assert unlike(ensemble).max() <= 1 < unlike(alone).max()


def test_tiles_of_the_ensemble_do_not_show(monkeypatch):
    plane = jpeg.compress(made_picture(200, 208), 15)
    restorer = Restorer(Options("compact", ensemble=True))
    whole = restorer.restore(plane).pixels
    monkeypatch.setattr(module, "_MAX_TILE", 192)
    tiled = restorer.restore(plane).pixels
    assert 0 < np.abs(tiled.astype(int) - whole).max() <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": 2}, "strength of 0 to 1, got 2"),
        ({"depth": 12}, "depth of 8 or 16 bits, got 12"),
        ({"max_memory": 0.1}, "max_memory of at least"),
        ({"preset": "huge"}, "there is no 'huge'"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Options(**options)


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
def test_what_is_no_picture_is_refused(weights, image):
    for call in (_restorer(weights).restore, _restorer(weights).probability):
        with pytest.raises(ValueError, match=r"Expected a picture \[H, W\]"):
            call(image)


def test_what_the_result_takes_leaves_less_for_tiles(weights):
    image = np.broadcast_to(np.zeros(3, np.uint8), (6_000, 6_000, 3))
    wide = np.broadcast_to(np.zeros(3, np.uint8), (600, 60_000, 3))
    eight, sixteen = (_restorer(weights, max_memory=2.2, depth=d) for d in (8, 16))
    assert sixteen._tile(image) < eight._tile(image)
    assert eight._tile(wide) < eight._tile(image)  # whose rows of tiles are shorter


def test_the_same_picture_gives_the_same_result(weights):
    image = made_picture()
    first, second = (_restorer(weights).restore(image).pixels for _ in range(2))
    np.testing.assert_array_equal(first, second)
