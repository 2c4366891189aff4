import io

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import fft

from dual_prior import jpeg
from dual_prior.jpeg.coefficients import read_coefficients
from dual_prior.jpeg.header import read_jpeg_header
from dual_prior.jpeg.projection import (
    HALF_STEP,
    NARROW,
    agreement,
    project,
    project_picture,
)
from dual_prior.jpeg.ycc import to_ycc
from tests.conftest import made_picture


def _compressed(quality, seed=0):
    clean = np.clip(made_picture(seed=seed), 16, 235)
    data = jpeg.encode(clean, quality)
    return (
        clean,
        jpeg.decode(data),
        read_jpeg_header(data).quantization[0].reshape(8, 8),
    )


def _squared_error(plane, clean):
    return np.sum((plane - clean.astype(float)) ** 2)


def _coefficients(plane):
    """Of each block `[H // 8, W // 8, 8, 8]`, by SciPy's DCT."""
    height, width = plane.shape
    blocks = plane.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2)
    return fft.dctn(blocks.astype(float) - 128, axes=(-2, -1), norm="ortho")


def test_each_coefficient_of_the_orthonormal_dct_is_clipped_to_its_bounds():
    _, compressed, table = _compressed(20)
    compressed = np.clip(compressed, 1, 254)  # no block touches black or white
    restored = np.random.default_rng(0).uniform(0, 255, compressed.shape)
    held = np.round(_coefficients(compressed) / table)
    bounded = np.clip(
        _coefficients(restored), (held - 0.5) * table, (held + 0.5) * table
    )
    blocks = fft.idctn(bounded, axes=(-2, -1), norm="ortho") + 128
    expected = np.clip(blocks.swapaxes(1, 2).reshape(compressed.shape), 0, 255)
    projected = project(restored, compressed, table)
    np.testing.assert_allclose(projected, expected, atol=1e-9)


@pytest.mark.parametrize("quality", [10, 30, 75])
def test_the_original_is_within_the_bounds(quality):
    clean, compressed, table = _compressed(quality)
    # The encoder's integer DCT rounds a little, and so does the decoder.
    np.testing.assert_allclose(project(clean, compressed, table), clean, atol=1.5)


@pytest.mark.parametrize("quality", [10, 30])
def test_projection_never_moves_away_from_the_original(quality):
    clean, compressed, table = _compressed(quality)
    rng = np.random.default_rng(0)
    for restored in (compressed, clean + rng.normal(0, 20, clean.shape), clean * 0.0):
        before = _squared_error(restored, clean)
        after = _squared_error(project(restored, compressed, table), clean)
        assert after <= before + 1


def test_a_narrow_set_lies_within_the_bounds():
    compressed = np.full((16, 16), 100, np.uint8)  # mid-grey, far from black and white
    table = jpeg.quantization_table(20)
    restored = compressed + np.random.default_rng(0).normal(0, 30, compressed.shape)
    wide = project(restored, compressed, table)
    narrow = project(restored, compressed, table, NARROW)
    held = np.round(_coefficients(compressed) / table)
    for plane, reach in ((wide, 0.5), (narrow, NARROW)):
        steps = _coefficients(plane) / table
        assert np.abs(steps - held).max() == pytest.approx(reach)
    again = project(wide, compressed, table, NARROW)
    np.testing.assert_allclose(again, narrow, atol=1e-9)


def test_twice_is_once():
    clean, compressed, table = _compressed(20)
    once = project(255.0 - clean, compressed, table)
    # Not quite where pixels were clipped to 0 to 255.
    inside = project(np.clip(once, 16, 235), compressed, table)
    again = project(inside, compressed, table)
    assert _squared_error(again, inside) < 0.01 * _squared_error(once, clean)


def test_a_projected_picture_is_encoded_as_before():
    clean, compressed, table = _compressed(10)
    worse = np.clip(
        compressed + np.random.default_rng(0).normal(0, 40, clean.shape), 16, 235
    )
    projected = np.round(project(worse, compressed, table)).astype(np.uint8)
    assert agreement(compressed, compressed, table) == 1
    before = agreement(np.round(worse).astype(np.uint8), compressed, table)
    assert before < 0.99 and before < agreement(projected, compressed, table)


def test_blocks_without_known_bounds_are_unchanged():
    clean, compressed, table = _compressed(10)
    compressed = compressed[:20, :27].copy()
    compressed[3, 3] = 255  # this block may have been clipped
    restored = np.full(compressed.shape, 77.0)
    projected = project(restored, compressed, table)
    for window in (np.s_[:8, :8], np.s_[16:], np.s_[:, 24:]):
        assert np.all(projected[window] == 77)
    assert np.any(projected[8:16, 8:16] != 77)


def _held(picture, subsampling="4:2:0", quality=50):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(
        buffer, "JPEG", quality=quality, subsampling=subsampling
    )
    return read_coefficients(buffer.getvalue())


def _steps_off(rgb, held):
    """By how many steps coefficients are off those held, of whole blocks, at most."""
    off = []
    for channel, plane in enumerate(np.moveaxis(to_ycc(rgb), -1, 0)):
        rows, columns = held.sampling if channel else (1, 1)
        height, width = (
            side // (8 * shared) * 8 * shared
            for side, shared in zip(plane.shape, (rows, columns), strict=True)
        )
        shared = plane[:height, :width].reshape(height // rows, rows, -1, columns)
        found = _coefficients(shared.mean(axis=(1, 3)))
        quantized = held.quantized[channel][: found.shape[0], : found.shape[1]]
        off.append(np.abs(found / held.steps[channel] - quantized).max())
    return max(off)


COLOUR = np.stack([np.clip(made_picture(52, 70, s), 60, 190) for s in range(3)], -1)
SUBSAMPLINGS = pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])


@SUBSAMPLINGS
def test_a_colour_picture_gets_within_all_cells_and_stays_there(subsampling):
    held = _held(COLOUR, subsampling)
    noise = np.random.default_rng(0).normal(0, 15, COLOUR.shape)
    worse = (COLOUR + noise).astype(np.float32)
    assert _steps_off(worse, held) > 1
    for reach in (NARROW, HALF_STEP):
        once = project_picture(worse, held, reach=reach)
        assert _steps_off(once, held) == pytest.approx(reach, abs=1e-3)
        again = project_picture(once, held, reach=reach)
        np.testing.assert_allclose(again, once, atol=1e-3)
    # As a file of 16 bits has it, too.
    assert _steps_off(np.round(once * 257) / 257, held) < 0.51


@SUBSAMPLINGS
def test_the_original_in_colour_is_within_the_cells(subsampling):
    held = _held(COLOUR, subsampling)
    # But for its rounding to Y, Cb and Cr of 8 bits, before and after sampling.
    projected = project_picture(COLOUR.astype(np.float32), held, reach=HALF_STEP)
    assert np.abs(projected - COLOUR).max() < 2
    for worse in (COLOUR + 20.0, COLOUR[::-1], np.full_like(COLOUR, 90)):
        after = project_picture(worse.astype(np.float32), held)
        assert _squared_error(after, COLOUR) < _squared_error(worse, COLOUR)


def test_blocks_that_touch_black_and_white_are_clipped_too():
    drawing = np.where(made_picture(64, 64) > 127, 255, 0).astype(np.uint8)
    held = _held(drawing)
    blurred = cv2.GaussianBlur(drawing, (5, 5), 0)[..., None].astype(np.float32)
    projected = project_picture(blurred, held)
    assert projected.min() >= 0 and projected.max() <= 255
    before, after = (
        _squared_error(plane[..., 0], drawing) for plane in (blurred, projected)
    )
    assert after < 0.5 * before


def test_a_picture_may_be_clipped_in_strips():
    held = _held(COLOUR)
    worse = 255 - COLOUR.astype(np.float32)
    whole = project_picture(worse, held)
    strips = [project_picture(worse[top : top + 16], held, top) for top in (0, 16, 32)]
    strips.append(project_picture(worse[48:], held, 48))
    np.testing.assert_allclose(np.concatenate(strips), whole, atol=1e-3)
    # What the encoder had beyond the edges is not known.
    partial = np.s_[48:, 64:]
    np.testing.assert_allclose(whole[partial], worse[partial], atol=1e-3)
