import numpy as np
import pytest

from dual_prior.restoration import tiles
from dual_prior.restoration.tiles import OVERLAP, map_tiles, tile_starts, tiled_pixels

TILE = 128


def _image(height, width):
    return np.random.default_rng(0).uniform(size=(height, width, 2)).astype(np.float32)


def _whole(bands):
    """The bands put together; they must be in order and leave no gap."""
    rows = []
    for first, band in bands:
        assert first == sum(map(len, rows))
        rows.append(band)
    return np.concatenate(rows)


@pytest.mark.parametrize("side", [1, 100, 128, 129, 135, 160, 161, 1000])
def test_tiles_cover_a_side_and_start_on_the_grid(side):
    starts = tile_starts(side, TILE)
    assert starts[0] == 0 and all(start % 8 == 0 for start in starts)
    ends = [min(start + TILE, side) for start in starts]
    assert ends[-1] == side
    for end, start in zip(ends, starts[1:], strict=False):
        assert end - start >= OVERLAP - 8
    lengths = [end - start for start, end in zip(starts, ends, strict=True)]
    assert side <= TILE or min(lengths) > TILE - 8


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (128, 128), (300, 131), (290, 410)])
def test_the_result_of_the_function_is_returned(size):
    image = _image(*size)
    result = _whole(map_tiles(lambda part, *_: 2 * part, image, TILE))
    np.testing.assert_allclose(result, 2 * image, rtol=1e-6)


def test_tiles_are_at_most_as_large_as_requested():
    sizes = []
    image = _image(290, 410)
    _whole(map_tiles(lambda part, *_: sizes.append(part.shape) or part, image, TILE))
    assert max(sizes) == (TILE, TILE, 2) and len(sizes) == 7 * 10


def test_the_margins_of_tiles_are_dropped():
    image = _image(290, 410)

    def wrong_at_the_border(part, top, left):
        # The tile's own border; the picture's is a border of the whole, too.
        margin = (OVERLAP - tiles._RAMP) // 2 - 4
        result = part + 1
        result[margin:-margin, margin:-margin] -= 1
        return result

    result = _whole(map_tiles(wrong_at_the_border, image, TILE))
    inner = np.s_[40:-40, 40:-40]
    np.testing.assert_allclose(result[inner], image[inner], atol=1e-5)


def test_tiles_fade_into_each_other():
    brightness = iter(range(1000))
    image = np.zeros((TILE, 400, 1), np.float32)
    result = _whole(map_tiles(lambda part, *_: part + next(brightness), image, TILE))
    assert np.abs(np.diff(result, axis=1)).max() < 3 / tiles._RAMP
    assert result.max() > 5


def test_progress_is_reported():
    told = []
    image = _image(160, 160)
    _whole(
        map_tiles(
            lambda part, *_: part, image, TILE, lambda *numbers: told.append(numbers)
        )
    )
    assert told == [(done, 4) for done in range(1, 5)]


def test_a_tile_gets_its_position():
    image = np.stack(np.indices((290, 410)), axis=-1).astype(np.float32)

    def moved(part, top, left):
        np.testing.assert_array_equal(part[0, 0], [top, left])
        return part

    _whole(map_tiles(moved, image, TILE))


@pytest.mark.parametrize(("height", "width"), [(100, 50), (700, 300), (1001, 2003)])
def test_the_pixels_of_all_tiles_are_those_that_are_computed(height, width):
    sizes = []

    def counted(part, top, left):
        sizes.append(part.shape[0] * part.shape[1])
        return part.astype(np.float32)

    for _ in map_tiles(counted, np.zeros((height, width, 1), np.uint8), 256):
        pass
    assert tiled_pixels(height, width, 256) == sum(sizes)
