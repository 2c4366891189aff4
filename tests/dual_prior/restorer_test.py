import keras
import numpy as np
import pytest
from PIL import Image

import dual_prior
from dual_prior import jpeg
from dual_prior import restorer as module
from dual_prior.picture_reader import read_picture
from dual_prior.restorer import Options, Restorer
from dual_prior.unfolding import DualPriorNetwork
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
        MemoryError, match="about 2.3 GiB; max_memory allows 1.2: raise"
    ):
        _restorer(weights, max_memory=1.2)._tile(image)


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


def test_the_library_restores_an_array_in_one_call(weights):
    image = made_picture()
    restored = dual_prior.restore(image, preset="compact", weights=str(weights))
    expected = _restorer(weights).restore(image).pixels
    np.testing.assert_array_equal(restored, expected)


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


def test_the_same_picture_gives_the_same_result(weights):
    image = made_picture()
    first, second = (_restorer(weights).restore(image).pixels for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(made_picture()).save(path, quality=30, dpi=(300, 300))
    return path


def test_the_library_restores_a_file_in_one_call(weights, photo):
    options = {"preset": "compact", "weights": str(weights)}
    target = dual_prior.restore_file(photo, **options)
    assert target == photo.with_name("photo.restored.png")
    result = Image.open(target)
    expected = dual_prior.restore(np.array(Image.open(photo)), **options)
    np.testing.assert_array_equal(np.array(result), expected)
    np.testing.assert_allclose(result.info["dpi"], 300, atol=0.1)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        dual_prior.restore_file(photo, **options)
    deep = dual_prior.restore_file(photo, photo.with_name("a.tif"), depth=16, **options)
    assert read_picture(deep).pixels.dtype == np.uint16


def test_an_original_is_never_the_result(weights, photo):
    with pytest.raises(ValueError, match="is an input"):
        dual_prior.restore_file(photo, photo, overwrite=True)
