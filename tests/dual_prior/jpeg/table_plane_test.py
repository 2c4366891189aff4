import io

import numpy as np
import pytest
from PIL import Image

from dual_prior.jpeg.header import read_jpeg_header
from dual_prior.jpeg.table_plane import UNKNOWN, Tables, logarithms, tables_of
from dual_prior.restoration.symmetries import turn
from experiments.data import encoders

TABLE = np.arange(1, 65).reshape(8, 8)
STEPS = np.stack([TABLE, TABLE + 64, TABLE[::-1] + 128])


def test_logarithms_are_0_without_a_table_and_for_a_step_in_the_middle():
    steps = np.array([0, 1, 15, 255])
    np.testing.assert_allclose(logarithms(steps), [0, -3 / 8, 0, 1 / 2])


def test_no_table_is_a_plane_of_zeros():
    np.testing.assert_array_equal(UNKNOWN.planes(5, 7), np.zeros((5, 7, 3)))


@pytest.mark.parametrize("place", [(0, 0), (7, 7), (8, 9), (19, 12)])
def test_a_pixel_shows_the_step_of_its_place_in_its_block(place):
    planes = Tables(STEPS).planes(20, 16)
    row, column = place
    np.testing.assert_array_equal(
        planes[place], logarithms(STEPS)[:, row % 8, column % 8]
    )


def test_subsampled_chroma_has_larger_blocks():
    planes = Tables(STEPS, (2, 1)).planes(32, 32)
    plain = Tables(STEPS).planes(32, 32)
    np.testing.assert_array_equal(planes[..., 0], plain[..., 0])
    np.testing.assert_array_equal(planes[::2, :, 1:], planes[1::2, :, 1:])
    np.testing.assert_array_equal(planes[::2, :, 1:], plain[:16, :, 1:])


@pytest.mark.parametrize("sampling", [(1, 1), (2, 2), (1, 2)])
def test_a_part_has_the_part_of_the_plane(sampling):
    tables = Tables(STEPS, sampling)
    part = tables.part(4, 2).part(9, 4).planes(20, 30)
    np.testing.assert_array_equal(part, tables.planes(50, 60)[13:33, 6:36])


@pytest.mark.parametrize("sampling", [(1, 1), (2, 2), (1, 2)])
@pytest.mark.parametrize("symmetry", range(8))
@pytest.mark.parametrize("size", [(32, 48), (35, 41)])
def test_turned_planes_keep_blocks_together_and_transpose_their_table(
    symmetry, size, sampling
):
    height, width = size
    tables = Tables(STEPS, sampling).part(3, 8).turned(symmetry, height, width)
    rows, columns = np.arange(3, 3 + height), np.arange(8, 8 + width)
    of_turned = turn(np.zeros(size), symmetry).shape
    for channel, plane in enumerate(np.moveaxis(tables.planes(*of_turned), -1, 0)):
        of_rows, of_columns = sampling if channel else (1, 1)
        numbers = rows[:, None] // (8 * of_rows) * 100 + columns // (8 * of_columns)
        numbers = turn(numbers, symmetry)
        # What the rows and columns of blocks show, in the order of the blocks.
        edges = np.abs(np.diff(numbers, axis=0)).any(axis=1)
        begins = np.flatnonzero(edges) + 1
        across = np.abs(np.diff(numbers, axis=1)).any(axis=0)
        left = np.flatnonzero(across)[0] + 1
        table = STEPS[channel].T if symmetry % 2 else STEPS[channel]
        shared = sampling if channel else (1, 1)
        shared = shared[::-1] if symmetry % 2 else shared
        for top in begins[:-1]:
            block = plane[top : top + 8 * shared[0], left : left + 8 * shared[1]]
            block = block[:: shared[0], :: shared[1]]
            expected = logarithms(table)[:, : block.shape[1]]
            np.testing.assert_array_equal(block, expected)


def test_turning_back_gives_the_same_planes():
    tables = Tables(STEPS, (2, 1)).part(5, 3)
    there, back = 1, 3
    twice = tables.turned(there, 21, 34).turned(back, 34, 21)
    np.testing.assert_array_equal(twice.planes(21, 34), tables.planes(21, 34))


@pytest.mark.parametrize("symmetry", range(8))
def test_a_turned_picture_is_one_that_was_compressed_by_the_turned_table(symmetry):
    picture = np.random.default_rng(0).uniform(100, 140, (32, 48))
    picture = (picture + 60 * (np.indices((32, 48))[1] > 20)).astype(np.uint8)
    table = np.random.default_rng(1).integers(4, 60, (8, 8))

    def compressed(plane, steps):
        settings = encoders.Settings(tables=steps[None])
        return encoders.decode(encoders.encode(plane, settings)).planes[..., 0]

    expected = turn(compressed(picture, table), symmetry)
    tables = Tables(np.stack([table] * 3)).turned(symmetry, 32, 48)
    turned = compressed(turn(picture, symmetry), tables.steps[0])
    difference = np.abs(turned.astype(int) - expected)
    assert difference.mean() < 0.5  # the encoder's arithmetic is not quite symmetric


@pytest.mark.parametrize("name", encoders.SUBSAMPLINGS)
def test_the_tables_of_a_header_are_those_that_the_decoder_has(name):
    picture = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
    data = encoders.encode(picture, encoders.Settings(subsampling=name, quality=60))
    found, expected = tables_of(read_jpeg_header(data)), encoders.decode(data).tables
    np.testing.assert_array_equal(found.steps, expected.steps)
    assert found.sampling == expected.sampling


def test_a_grey_file_has_a_luma_table_only():
    data = encoders.encode(np.zeros((8, 8), np.uint8), encoders.Settings())
    tables = tables_of(read_jpeg_header(data))
    assert tables.steps[0].all() and not tables.steps[1:].any()


@pytest.mark.parametrize("options", [{"mode": "CMYK"}, {"keep_rgb": True}])
def test_tables_of_other_colours_are_unknown(options):
    image = Image.new(options.pop("mode", "RGB"), (8, 8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    assert tables_of(read_jpeg_header(buffer.getvalue())) is UNKNOWN
