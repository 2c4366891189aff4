import numpy as np

from experiments.patterns import pattern_sheet


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
