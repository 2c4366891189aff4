import io

import numpy as np
import pytest
from PIL import Image

from dual_prior import jpeg
from dual_prior.jpeg.table_plane import Tables
from dual_prior.jpeg.traces import find_trace, spread_parts, undone
from tests.conftest import made_picture

CLEAN = made_picture(240, 264)
CROP = np.s_[3:, 5:]


def _of_quality(quality):
    steps = np.zeros((3, 8, 8), np.uint16)
    steps[0] = jpeg.quantization_table(quality)
    return Tables(steps)


@pytest.mark.parametrize("quality", [20, 35, 60, 80, 92])
def test_quality_and_grid_of_a_decoded_jpeg_are_found(quality):
    trace = find_trace(jpeg.compress(CLEAN, quality)[CROP])
    assert trace.origin == (3, 5)
    assert abs(trace.quality - quality) <= 1


def test_tables_of_a_trace_lie_as_those_of_the_file_would():
    found = find_trace(jpeg.compress(CLEAN, 40)[CROP]).tables
    expected = _of_quality(40).part(3, 5)
    np.testing.assert_array_equal(found.planes(20, 20), expected.planes(20, 20))


@pytest.mark.parametrize("picture", [CLEAN, CLEAN[:5], np.full_like(CLEAN, 90)])
def test_a_clean_picture_a_small_one_and_a_flat_one_have_no_trace(picture):
    assert find_trace(picture) is None


def test_one_compression_of_a_jpeg_file_is_no_trace_of_another():
    for quality in (10, 30, 50, 75, 90, 100):
        picture = jpeg.compress(CLEAN, quality)
        assert find_trace(picture, _of_quality(quality)) is None


def test_steps_of_zero_in_a_damaged_file_do_no_harm():
    tables = _of_quality(60)
    tables.steps[0, 3:] = 0
    assert find_trace(jpeg.compress(CLEAN, 60), tables) is None


@pytest.mark.parametrize("is_file", [True, False])
def test_an_earlier_coarser_compression_is_found_in_files_and_pixels(is_file):
    once = np.ascontiguousarray(jpeg.compress(CLEAN, 20)[CROP])
    twice = jpeg.compress(once, 70)
    trace = find_trace(twice, _of_quality(70)) if is_file else find_trace(twice)
    assert (trace.quality, trace.origin) == (20, (3, 5))


def test_what_came_after_an_earlier_compression_is_undone():
    once = np.ascontiguousarray(jpeg.compress(CLEAN, 20)[CROP])
    twice = jpeg.compress(once, 70)
    trace = find_trace(twice, _of_quality(70))
    assert not trace.is_last and trace.fit > 0.9
    top, left = (-start % 8 for start in trace.origin)
    for channels in (1, 3):  # grey, alone and as red, green and blue
        y = np.repeat(twice[None, top:, left:, None], channels, axis=-1)
        y = y.astype(np.float32) / 255
        tables = trace.tables.part(top, left)
        result = undone(y, tables, (0, 0))
        inside = np.s_[: 8 * (y.shape[1] // 8), : 8 * (y.shape[2] // 8)]
        error = 255 * result[0, ..., 0][inside] - once[top:, left:][inside]
        before = np.subtract(twice, once, dtype=float)[top:, left:][inside]
        assert np.std(error) < 0.5 < np.std(before)
        assert np.ptp(result, axis=-1).max() < 1e-6
        partly = undone(y, tables, (3, 0))
        np.testing.assert_array_equal(partly[:, :8], y[:, :8])
        np.testing.assert_array_equal(partly[:, 8:], result[:, 8:])


def test_steps_of_an_encoder_with_other_tables_are_not_believed():
    flat = Image.fromarray(CLEAN)
    buffer = io.BytesIO()
    flat.save(buffer, "JPEG", qtables=[[17] * 64])
    trace = find_trace(np.asarray(Image.open(buffer))[CROP])
    assert trace.origin == (3, 5) and trace.fit < 0.8
    assert not trace.tables.steps.any()


def test_the_grid_of_a_cropped_file_is_not_taken_for_an_earlier_one():
    tables = _of_quality(30).part(3, 5)
    assert find_trace(jpeg.compress(CLEAN, 30)[CROP], tables) is None


def test_an_earlier_much_coarser_compression_is_found_on_the_grid_of_the_last():
    once = jpeg.compress(CLEAN, 20)
    assert find_trace(jpeg.compress(once, 92), _of_quality(92)).quality == 20
    assert find_trace(jpeg.compress(once, 50), _of_quality(50)) is None


def test_an_earlier_finer_compression_is_not_looked_for():
    once = np.ascontiguousarray(jpeg.compress(CLEAN, 80)[CROP])
    assert find_trace(jpeg.compress(once, 30), _of_quality(30)) is None


def test_colour_and_sixteen_bits_have_the_trace_of_grey():
    plane = jpeg.compress(CLEAN, 50)[CROP]
    grey = find_trace(plane)
    rgb = np.repeat(plane[..., None], 3, axis=-1)
    for picture in (rgb, plane.astype(np.uint16) * 257):
        trace = find_trace(picture)
        assert (trace.quality, trace.origin) == (grey.quality, grey.origin)


def test_scaled_pictures_have_no_trace():
    picture = Image.fromarray(jpeg.compress(CLEAN, 40)).resize((200, 180))
    assert find_trace(np.asarray(picture)) is None


def test_colour_files_are_found_by_their_luma():
    buffer = io.BytesIO()
    tinted = np.stack([CLEAN, CLEAN // 2, 255 - CLEAN], axis=-1)
    Image.fromarray(tinted).save(buffer, "JPEG", quality=50)
    trace = find_trace(np.asarray(Image.open(buffer))[8:, 9:])
    assert trace.origin == (0, 1)
    assert abs(trace.quality - 50) <= 1


def test_parts_of_a_large_picture_are_on_one_grid():
    rows = np.arange(1000)[:, None]
    picture = (rows % 8 + 10 * (np.arange(1203) % 8)).astype(np.uint8)
    parts = spread_parts(picture)
    assert len(parts) == 9
    assert all(np.array_equal(part, parts[0]) for part in parts)
    assert spread_parts(picture[:700, :700])[0].shape == (700, 700)
