import keras
import numpy as np
import pytest
from scipy import fft

from dual_prior import jpeg
from dual_prior.jpeg.coefficients import read_coefficients
from dual_prior.jpeg.table_plane import UNKNOWN
from dual_prior.jpeg.traces import find_trace
from dual_prior.network.presets import find_preset
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.pictures.reader import read_picture
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


@pytest.mark.parametrize("depth", [8, 16, None])
def test_the_depth_of_the_result_can_be_chosen(loaded, depth):
    expected = {8: np.uint8, 16: np.uint16, None: np.uint8}[depth]
    image = made_picture()
    result = loaded(depth=depth).restore(image)
    assert result.dtype == expected and result.shape == image.shape
    assert np.any(result.astype(float) / np.iinfo(expected).max != image / 255)


@pytest.mark.parametrize(
    ("options", "clean"),
    [({}, True), ({"always": True}, False), ({"preset": "paper"}, False)],
)
def test_clean_is_what_is_below_the_threshold_of_the_preset(loaded, options, clean):
    restorer = loaded()
    below = find_preset("compact").profile.clean_below
    restorer.options = Options(**{"preset": "compact", **options})
    assert restorer.is_clean(0.99 * below) is clean
    assert not restorer.is_clean(below) and not restorer.is_clean(1.0)
    trace = find_trace(jpeg.compress(made_picture(200, 220), 30))
    assert trace and not restorer.is_clean(0.0, trace)


def test_without_tables_a_picture_is_restored_by_its_trace(loaded):
    file = jpeg.compress(made_picture(200, 220), 30)
    cut = file[3:, 5:]
    expected = loaded().restore(cut, tables=find_trace(cut).tables)
    np.testing.assert_array_equal(loaded().restore(cut), expected)
    assert np.any(loaded().restore(cut, tables=UNKNOWN) != expected)
    # The same blocks are seen as in the file, so the same is restored.
    inside = np.s_[80:120, 80:120]
    whole = loaded().restore(file)[3:, 5:]
    np.testing.assert_allclose(expected[inside], whole[inside], atol=1)


def test_a_later_finer_compression_hardly_changes_the_result(loaded):
    once = np.ascontiguousarray(jpeg.compress(made_picture(200, 220), 20)[3:, 5:])
    twice = jpeg.compress(once, 80)
    trace = find_trace(twice, read_picture(jpeg.encode(once, 80)).tables)
    expected = loaded(depth=16).restore(once) / 257
    inside = np.s_[16:-16, 16:-16]
    for changes, most in (({"trace": trace}, 0.5), ({"tables": UNKNOWN}, np.inf)):
        result = loaded(depth=16).restore(twice, **changes) / 257
        error = np.std((result - expected)[inside])
        assert error < most and (error > 1 or most < 1)


def test_the_coefficients_of_a_file_are_clipped_in_tiles_of_any_size(loaded):
    image = np.tile(made_picture(200, 80), (1, 5))
    data = jpeg.encode(image, 60)
    held, compressed = read_coefficients(data), jpeg.decode(data)
    whole, tiled = (
        loaded(depth=16, max_memory=memory).restore(compressed, held=held) / 257
        for memory in (3.0, 1.2)
    )
    free = loaded(depth=16).restore(compressed) / 257
    for plane, most in ((whole, 0.51), (tiled, 0.51), (free, np.inf)):
        steps = fft.dctn(
            plane.reshape(25, 8, 50, 8).swapaxes(1, 2) - 128, axes=(2, 3), norm="ortho"
        )
        off = np.abs(steps / held.steps[0] - held.quantized[0]).max()
        assert off <= most and (off > 0.6 or most < 1)
    assert np.abs(whole - tiled).max() <= 1
    colour = np.stack([compressed] * 3, axis=-1)
    in_colour = loaded().restore(colour, held=held)
    grey = loaded().restore(compressed, held=held)
    np.testing.assert_array_equal(in_colour, np.stack([grey] * 3, axis=-1))
    nothing = loaded().restore(compressed, without_network=True)
    np.testing.assert_array_equal(nothing, compressed)


@pytest.mark.parametrize("size", [(1, 1), (40, 2000), (800, 900)])
def test_any_size_gets_a_probability(loaded, size):
    image = np.resize(made_picture(), size)
    for picture in (image, np.stack([image] * 3, axis=-1)):
        assert 0 <= loaded().probability(picture) <= 1


def test_less_memory_does_not_show(trained):
    # One half of stripes, one flat: tiles that know nothing of each other would differ.
    plane = np.hstack([made_picture(400, 400), np.full((400, 400), 120, np.uint8)])
    plane = jpeg.compress(plane, 15)
    whole, tiled = (trained(max_memory=memory).restore(plane) for memory in (3.0, 1.2))
    difference = np.abs(tiled.astype(int) - whole)
    assert 0 < difference.max() <= 1


def test_the_ensemble_restores_turned_pictures_alike(loaded):
    image = made_picture(40, 64)

    def unlike(restorer):
        turned = restorer.restore(np.rot90(image))
        return np.abs(np.rot90(turned, -1).astype(int) - restorer.restore(image))

    assert unlike(loaded(ensemble=True)).max() <= 1 < unlike(loaded()).max()


def test_tiles_of_the_ensemble_do_not_show(trained):
    plane = jpeg.compress(made_picture(40, 520), 15)
    whole, tiled = (
        trained(ensemble=True, max_memory=memory).restore(plane)
        for memory in (3.0, 1.2)
    )
    assert 0 < np.abs(tiled.astype(int) - whole).max() <= 1


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
        Restorer(Options("compact", weights)).restore(image) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)
