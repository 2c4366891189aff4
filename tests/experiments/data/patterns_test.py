import numpy as np
import pytest

from experiments.data.patterns import pattern_sheet, woven


def test_a_sheet_holds_patterns_of_two_colours():
    sheet = pattern_sheet(0)
    assert sheet.dtype == np.uint8 and sheet.shape == (320, 320, 3)
    for top in range(0, 320, 64):
        for left in range(0, 320, 64):
            pattern = sheet[top : top + 64, left : left + 64].reshape(-1, 3)
            assert len(np.unique(pattern, axis=0)) == 2


def test_sheets_hold_checkerboards_of_single_pixels():
    def is_checkerboard(pattern):
        along = np.array_equal(pattern[1:, 1:], pattern[:-1, :-1])
        return along and np.all(pattern[1:] != pattern[:-1])

    sheets = np.concatenate([pattern_sheet(seed) for seed in range(4)])
    parts = sheets.reshape(20, 64, 5, 64, 3).swapaxes(1, 2).reshape(-1, 64, 64, 3)
    black_and_white = [part[..., 0] for part in parts if set(part.ravel()) == {0, 255}]
    assert any(map(is_checkerboard, black_and_white))


def test_another_seed_gives_another_sheet():
    np.testing.assert_array_equal(pattern_sheet(1), pattern_sheet(1))
    assert np.any(pattern_sheet(1) != pattern_sheet(2))


def _spectrum(plane):
    return np.abs(np.fft.rfft2(plane.astype(float) - plane.mean()))


@pytest.mark.parametrize("shape", [(96, 128), (96, 128, 3)])
def test_cloth_is_laid_over_parts_of_a_picture(shape):
    picture = np.full(shape, 128, np.uint8)
    cloth = woven(picture, 3)
    assert cloth.dtype == np.uint8 and cloth.shape == shape
    changed = np.mean(cloth != picture)
    assert 0.1 < changed < 0.95
    np.testing.assert_array_equal(woven(picture, 3), cloth)
    assert np.any(woven(picture, 4) != cloth)


def test_cloth_has_stripes_of_a_few_pixels():
    cloth = np.mean(
        [_spectrum(woven(np.full((128, 128), 128, np.uint8), s)) for s in range(8)], 0
    )
    rows, columns = np.fft.fftfreq(128)[:, None], np.fft.rfftfreq(128)[None]
    frequency = np.hypot(rows, columns)
    share = np.square(cloth)[(frequency > 0.05) & (frequency < 0.5)].sum()
    assert share > 0.9 * np.square(cloth).sum()
