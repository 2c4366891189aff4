import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from dual_prior import jpeg
from dual_prior.jpeg.coefficients import read_coefficients
from dual_prior.jpeg.guided_chroma import REACH, guided, with_guided_chroma
from dual_prior.jpeg.projection import project_picture
from dual_prior.jpeg.ycc import to_rgb, to_ycc
from tests.conftest import made_picture

SHAPE = (50, 60)
INSIDE = np.s_[8:-8, 8:-8]


def _two_colours():
    """Stripes and a disc of one colour on another, `[48, 64, 3]`, uint8."""
    row, column = np.mgrid[:48, :64]
    is_on = (column % 7 < 2) | ((row - 24) ** 2 + (column - 32) ** 2 < 150)
    picture = np.where(is_on[..., None], [200, 30, 60], [235, 240, 250])
    return picture.astype(np.uint8)


def _file(picture, subsampling="4:2:0"):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", subsampling=subsampling)
    return buffer.getvalue()


@pytest.mark.parametrize("sampling", [(1, 1), (2, 2), (1, 2), (4, 1)])
def test_chroma_on_a_line_with_luma_gets_the_edges_of_luma(sampling):
    luma = made_picture()[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    clean = np.stack([200 - 0.5 * luma, 0.3 * luma], axis=-1)
    rows, columns = sampling
    coarse = clean[::rows, ::columns].repeat(rows, 0).repeat(columns, 1)
    coarse = coarse[: SHAPE[0], : SHAPE[1]]
    for row in range(0, SHAPE[0] - rows + 1, rows):  # the means that a file has
        for column in range(0, SHAPE[1] - columns + 1, columns):
            block = np.s_[row : row + rows, column : column + columns]
            coarse[block] = clean[block].mean(axis=(0, 1))
    before, after = (
        np.abs(planes - clean)[INSIDE].max()
        for planes in (coarse, guided(luma, coarse, sampling, 16))
    )
    assert after < 0.6 + 0.05 * before


def test_chroma_that_luma_says_nothing_of_is_kept():
    chroma = np.stack([made_picture(), made_picture(seed=1)], axis=-1)
    chroma = chroma[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    flat = np.full(SHAPE, 90, np.float32)
    assert np.abs(guided(flat, chroma, (1, 1), 16) - chroma).max() < 1
    level = np.full((*SHAPE, 2), 77, np.float32)
    luma = made_picture()[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    np.testing.assert_allclose(guided(luma, level, (2, 2), 16), 77, atol=1e-3)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_two_colours_come_back_sharp_and_within_the_cells(subsampling):
    clean = _two_colours()
    data = _file(clean, subsampling)
    file, held = jpeg.decode_colour(data), read_coefficients(data)
    assert not held.is_drawing  # by its blocks, none of which is flat
    # With luma as it was, and chroma as it is stored.
    planes = to_ycc(file)
    planes[..., 0] = to_ycc(clean)[..., 0]
    pixels = np.clip(to_rgb(planes), 0, 255)
    clipped = project_picture(pixels, held)
    sharp = project_picture(with_guided_chroma(pixels, held), held)
    drawn = dataclasses.replace(held, is_drawing=True)
    sharper = project_picture(with_guided_chroma(pixels, drawn), held)
    errors = [np.mean((p - clean) ** 2) for p in (clipped, sharp, sharper)]
    assert errors[2] < 0.5 * errors[0]
    assert errors[2] < errors[1] < errors[0]  # less is believed of a photograph
    # Black and white leave a little outside of the cells: see `project_picture`.
    assert np.abs(project_picture(sharper, held) - sharper).mean() < 0.1


def test_strips_with_rows_around_them_agree_with_the_whole():
    picture = np.tile(_two_colours(), (8, 1, 1))
    held = read_coefficients(_file(picture))
    pixels = jpeg.decode_colour(_file(picture)).astype(np.float32)
    whole = with_guided_chroma(pixels, held)
    part = with_guided_chroma(pixels[128 - REACH : 192 + REACH], held, 128 - REACH)
    np.testing.assert_allclose(part[REACH:-REACH], whole[128:192], atol=1e-3)
