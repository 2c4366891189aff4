import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from dual_prior.jpeg.table_plane import logarithms
from dual_prior.jpeg.ycc import to_ycc
from experiments.data import encoders
from experiments.data.jpeg_patches import (
    JpegPatches,
    JpegRecipe,
    Piece,
    clean_planes,
    shown,
    weights,
)
from tests.conftest import made_picture

PHOTOGRAPHS = [
    np.stack([made_picture(100, 120, seed + c) for c in range(3)], axis=-1)
    for seed in (0, 10)
]
DRAWINGS = [255 - PHOTOGRAPHS[0] // 64 * 64]
RECIPE = JpegRecipe(patch_size=32, batch_size=12, seed=1, piece_size=80)


def _only(**numbers):
    """A recipe without random options but the given ones."""
    plain = dict.fromkeys(("again", "cropped", "hidden", "grey", "clear"), 0.0)
    return dataclasses.replace(RECIPE, **{**plain, **numbers})


def _batch(recipe, step=0, drawings=DRAWINGS):
    return JpegPatches(PHOTOGRAPHS, drawings, recipe).batch(step)


def test_a_batch_has_planes_in_range_and_a_count_for_luma_and_chroma():
    compressed, clean, tables, counts = _batch(RECIPE)
    for planes, least, most in (
        (compressed, 0, 1), (clean, 0, 1), (tables, -3 / 8, 1 / 2)
    ):  # fmt: skip
        assert planes.shape == (12, 32, 32, 3) and planes.dtype == np.float32
        assert planes.min() >= least - 1e-3 and planes.max() <= most + 1e-3
    assert counts.shape == (12, 2) and counts.min() > 0


def test_a_batch_is_a_function_of_the_step_whatever_was_drawn_before():
    first, again = (JpegPatches(PHOTOGRAPHS, DRAWINGS, RECIPE) for _ in range(2))
    forth = [first.batch(step) for step in (3, 17)]
    back = [again.batch(step) for step in (17, 3)][::-1]
    for a, b in zip(forth, back, strict=True):
        for one, other in zip(a, b, strict=True):
            np.testing.assert_array_equal(one, other)
    assert np.any(forth[0][0] != forth[1][0])


def test_without_drawings_all_are_photographs():
    assert _batch(RECIPE, drawings=[])[0].shape == (12, 32, 32, 3)


def test_clean_and_compressed_show_the_same_place():
    compressed, clean, *_ = _batch(_only(qualities=(95, 98)))
    assert np.abs(compressed - clean)[..., 0].mean() < 0.02


def test_the_plane_lies_on_the_grid_of_the_file():
    """Steps across the borders that the plane shows are larger than within blocks."""
    recipe = _only(qualities=(6, 6), drawings=0.0)
    compressed, _, tables, _ = _batch(recipe)
    # Patches begin on the grid, so the first column of a block shows the first steps.
    np.testing.assert_array_equal(tables[:, :, 0, 0], tables[:, :, 8, 0])
    steps = np.abs(np.diff(compressed[..., 0], axis=2)).mean(axis=(0, 1))
    assert steps[7::8].mean() > 2 * np.delete(steps, np.s_[7::8]).mean()


def test_planes_of_a_part_are_part_of_those_of_the_whole():
    settings = encoders.Settings(quality=30)
    decoded = encoders.decode(encoders.encode(PHOTOGRAPHS[0], settings))
    piece = Piece(decoded.planes, to_ycc(PHOTOGRAPHS[0]), decoded.tables)
    whole = piece.table_planes()
    part = piece.part(8, 40, 32)
    np.testing.assert_array_equal(part.table_planes(), whole[8:40, 40:72])
    np.testing.assert_array_equal(part.compressed, piece.compressed[8:40, 40:72])
    steps = logarithms(decoded.tables.steps)
    np.testing.assert_array_equal(whole[:8, :8, 0], steps[0])
    np.testing.assert_array_equal(whole[:16:2, :16:2, 2], steps[2])


def _steps(quality):
    settings = encoders.Settings(quality=quality)
    return encoders.decode(encoders.encode(PHOTOGRAPHS[0], settings)).tables.steps


@pytest.fixture
def twice(monkeypatch):
    """Table planes of pictures compressed at two qualities, by recipe."""

    def planes(first, second, **changes):
        qualities = iter([first, second] * 1000)

        def draw(rng, **_):
            return encoders.Settings(quality=next(qualities))

        monkeypatch.setattr(encoders, "draw_settings", draw)
        return _batch(_only(again=1.0, **changes))[2][:, :8, :8]

    return planes


@pytest.mark.parametrize(
    ("first", "changes"),
    [(10, {"scaled": 1.0}), (10, {"shifted": 0.0}), (95, {"shifted": 1.0})],
)
def test_the_table_is_that_of_the_last_of_two_compressions(twice, first, changes):
    planes = twice(first, 80, **changes)
    np.testing.assert_array_equal(planes[..., 0], [logarithms(_steps(80))[0]] * 12)


def test_of_two_grids_the_coarser_one_begins_the_picture(twice):
    planes = twice(10, 80, shifted=1.0)
    is_first = planes[:, 0, 0, 0] == logarithms(_steps(10))[0, 0, 0]
    assert is_first.any()  # of 64 crops one is by whole blocks
    for table, quality in ((is_first, 10), (~is_first, 80)):
        expected = np.broadcast_to(logarithms(_steps(quality))[0], (12, 8, 8))
        np.testing.assert_array_equal(planes[table][..., 0], expected[table])
    assert not planes[is_first][..., 1:].any()  # Cb and Cr


@pytest.mark.parametrize("name", ["cropped", "hidden", "clear"])
def test_no_plane_where_the_table_is_not_known(name):
    assert not _batch(_only(**{name: 1.0}))[2].any()


def test_grey_files_have_no_chroma_and_no_table_of_it():
    compressed, clean, tables, _ = _batch(_only(grey=1.0))
    for planes in (compressed, clean):
        np.testing.assert_allclose(planes[..., 1:], 128 / 255, atol=1e-6)
    assert tables[..., 0].any(axis=(1, 2)).all() and not tables[..., 1:].any()


def test_clear_pieces_are_rounded_at_most():
    compressed, clean, *_ = _batch(_only(clear=1.0))
    assert np.abs(compressed - clean).max() < 0.51 / 255


def test_weights_are_relative_and_bounded():
    of_piece = np.array([9.0, 99.0])
    np.testing.assert_allclose(weights(of_piece, of_piece) / 255**2, [0.1, 0.01])
    of_patch = np.array([300.0, 300.0])
    np.testing.assert_allclose(
        weights(of_piece, of_patch) * of_patch / 255**2, [3, 3], rtol=0.02
    )


def test_the_shown_picture_is_that_of_libjpeg():
    data = encoders.encode(PHOTOGRAPHS[0], encoders.Settings(quality=80))
    expected = np.asarray(Image.open(io.BytesIO(data))).astype(int)
    difference = shown(encoders.decode(data)) - expected
    assert np.abs(difference).max() <= 1
    assert np.abs(difference.mean(axis=(0, 1))).max() < 0.01


def test_to_ycc_is_what_libjpeg_stores():
    settings = encoders.Settings(quality=100, subsampling="4:4:4")
    stored = encoders.decode(encoders.encode(PHOTOGRAPHS[0], settings)).planes
    difference = to_ycc(PHOTOGRAPHS[0]) - stored
    assert np.abs(difference).max() < 2.5
    assert np.abs(difference.mean(axis=(0, 1))).max() < 0.05


def test_a_grey_picture_has_chroma_of_128():
    planes = clean_planes(PHOTOGRAPHS[0][..., 0])
    np.testing.assert_array_equal(planes[..., 0], PHOTOGRAPHS[0][..., 0])
    assert np.all(planes[..., 1:] == 128)


def test_too_small_a_picture_is_refused():
    small = [PHOTOGRAPHS[0][:30]]
    with pytest.raises(ValueError, match="at least 40 pixels"):
        JpegPatches(small, [], RECIPE).batch(0)
