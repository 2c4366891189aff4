"""Colour files through a `ColourNetwork`: luma and its table, chroma, tiles, turns."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from dual_prior.jpeg.table_plane import UNKNOWN, Tables
from dual_prior.jpeg.ycc import to_rgb, to_ycc
from dual_prior.network.classifier import CompressionClassifier
from dual_prior.network.colour_network import ColourNetwork
from dual_prior.network.presets import RestorationProfile
from dual_prior.network.pyramid_deblocker import PyramidDeblocker
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.pictures.crop import cropped
from dual_prior.pictures.reader import read_picture
from dual_prior.restoration.options import Options
from dual_prior.restoration.restorer import Restorer
from dual_prior.restoration.symmetries import turn
from tests.conftest import made_picture

RGB = np.stack([made_picture(48, 64, seed) for seed in range(3)], axis=-1)
STEPS = np.random.default_rng(0).integers(1, 99, (3, 8, 8))
TABLES = Tables(STEPS, (2, 2))


@pytest.fixture(scope="module")
def restorer(tmp_path_factory):
    """Of random weights that change a picture visibly."""
    keras.utils.set_random_seed(0)
    network = ColourNetwork(
        DualPriorNetwork(
            PyramidDeblocker(1, (4, 6), (1, 1), aux_channels=1),
            CompressionClassifier(4, (2, 1)),
            num_stages=1,
            num_descent_steps=0,
            alpha_init=10.0,
        ),
        PyramidDeblocker(2, (4, 6), (1, 1), aux_channels=3, scale=2),
    )
    network.build((None, None, None, 3))
    for part in (network.luma.deblocker, network.chroma):
        kernel = part.tail.kernel
        kernel.assign(np.random.default_rng(0).normal(0, 0.02, kernel.shape))
    folder = tmp_path_factory.mktemp("presets") / "mine"
    network.save_to_preset(folder, RestorationProfile(bytes_per_tile_pixel=900))
    return Restorer(Options(str(folder)))


def _with(restorer, **options):
    other = Restorer.__new__(Restorer)
    other.options = Options(restorer.options.preset, **options)
    other.network = restorer.network
    return other


def test_colour_is_luma_and_chroma_restored_and_rounded_once(restorer):
    planes = to_ycc(RGB / np.float32(255), white=1)[None]
    aux = TABLES.planes(48, 64)[None]
    restored = np.asarray(restorer.network(planes, aux=aux))[0]
    expected = np.clip(255 * to_rgb(restored, white=1), 0, 255)
    result = restorer.restore(RGB, tables=TABLES)
    assert np.abs(result - expected).max() < 0.51
    assert np.abs(result - RGB.astype(float)).mean() > 0.5


def test_tables_count(restorer):
    with_tables = restorer.restore(RGB, tables=TABLES)
    assert np.any(with_tables != restorer.restore(RGB))


def test_grey_runs_luma_alone_and_stays_grey(restorer):
    grey = RGB[..., 0]
    planes = (grey / np.float32(255))[None, ..., None]
    aux = TABLES.planes(48, 64)[None, ..., :1]
    expected = 255 * np.clip(restorer.network.luma(planes, aux=aux), 0, 1)[0, ..., 0]
    result = restorer.restore(grey, tables=TABLES)
    assert result.shape == grey.shape and np.abs(result - expected).max() < 0.51
    of_colour = restorer.restore(np.stack([grey] * 3, -1), tables=TABLES)
    np.testing.assert_array_equal(of_colour, np.stack([result] * 3, axis=-1))


@pytest.mark.parametrize("sampling", [(1, 1), (2, 2), (1, 2)])
def test_table_planes_are_cut_along_with_the_tiles(restorer, sampling):
    # Of fractions of a grid of 16, too: tiles begin on every eighth pixel.
    rgb = np.tile(RGB, (1, 8, 1))
    tables = Tables(STEPS, sampling, (8, 8))
    whole, tiled = (
        _with(restorer, max_memory=memory).restore(rgb, tables=tables)
        for memory in (3.0, 1.2)
    )
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert np.any(whole != restorer.restore(rgb))


@pytest.mark.parametrize("symmetry", range(8))
def test_the_ensemble_restores_turned_files_alike(restorer, symmetry):
    restorer = _with(restorer, ensemble=True)
    height, width = RGB.shape[:2]
    expected = turn(restorer.restore(RGB, tables=TABLES), symmetry)
    turned = restorer.restore(
        np.ascontiguousarray(turn(RGB, symmetry)),
        tables=TABLES.turned(symmetry, height, width),
    )
    assert np.abs(turned.astype(int) - expected).max() <= 1


def test_strength_0_changes_nothing(restorer):
    result = _with(restorer, strength=0.0).restore(RGB, tables=TABLES)
    np.testing.assert_array_equal(result, RGB)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_tables_of_a_file_lie_on_its_pixels_as_they_are_shown(orientation):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x112] = orientation
    image = Image.fromarray(RGB[:41, :51])
    image.save(buffer, "JPEG", quality=30, subsampling="4:2:0", exif=exif)
    buffer.seek(0)
    picture = read_picture(buffer)
    plain = picture.jpeg and Tables(
        np.array([t.reshape(8, 8) for t in picture.jpeg.quantization]), (2, 2)
    )
    symmetry = picture.symmetry
    upright = np.asarray(Image.open(buffer))
    np.testing.assert_array_equal(picture.pixels, turn(upright, symmetry))
    expected = plain.turned(symmetry, 41, 51).planes(*picture.pixels.shape[:2])
    found = picture.tables.planes(*picture.pixels.shape[:2])
    np.testing.assert_array_equal(found, expected)


def test_other_formats_have_no_tables():
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "PNG")
    buffer.seek(0)
    assert read_picture(buffer).tables is UNKNOWN


def test_a_crop_has_its_part_of_the_tables():
    buffer = io.BytesIO()
    Image.fromarray(RGB).save(buffer, "JPEG", subsampling="4:2:0")
    buffer.seek(0)
    picture = read_picture(buffer)
    part = cropped(picture, 24, 16, left=8, top=24)
    whole = picture.tables.planes(*RGB.shape[:2])
    np.testing.assert_array_equal(part.tables.planes(16, 24), whole[24:40, 8:32])
