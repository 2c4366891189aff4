import numpy as np
import pytest

from experiments.data.drawings import KINDS, drawing


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_is_a_function_of_its_seed(kind):
    first, again, other = (drawing(seed, kind) for seed in (3, 3, 4))
    assert first.shape == (320, 320, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, again)
    assert np.any(first != other)


@pytest.mark.parametrize("kind", KINDS)
def test_it_shows_something(kind):
    for seed in range(4):
        assert drawing(seed, kind).std() > 0.5


def test_kinds_take_turns():
    for seed, kind in enumerate(KINDS):
        np.testing.assert_array_equal(drawing(seed), drawing(seed, kind))


def test_any_side():
    for kind in KINDS:
        assert drawing(1, kind, side=256).shape == (256, 256, 3)


def _colours(picture):
    return len(np.unique(picture.reshape(-1, 3), axis=0))


def test_one_bit_has_two_colours_at_most():
    assert all(_colours(drawing(seed, "one bit")) <= 2 for seed in range(8))


def test_few_colours_are_64_at_most():
    assert all(_colours(drawing(seed, "few colours")) <= 64 for seed in range(8))


def test_pixel_art_has_few_colours_and_large_pixels_on_any_grid():
    starts = set()
    for seed in range(24):
        picture = drawing(seed, "pixel art").astype(int)
        assert _colours(picture) <= 16
        steps = np.flatnonzero(np.abs(np.diff(picture, axis=1)).sum(axis=(0, 2)))
        scale = np.gcd.reduce(np.diff(steps))
        starts.add(((steps[0] + 1) % scale, scale))
    assert len({scale for _, scale in starts}) >= 4
    assert len({start for start, _ in starts}) >= 3


def test_comics_are_mostly_flat():
    for seed in range(4):
        picture = drawing(seed, "comic").astype(int)
        flat = np.all(np.diff(picture, axis=1) == 0, axis=-1)
        assert flat.mean() > 0.8


def test_gradients_are_smooth():
    picture = drawing(0, "gradient").astype(int)
    assert np.median(np.abs(np.diff(picture, axis=1)).max(axis=-1)) <= 3
