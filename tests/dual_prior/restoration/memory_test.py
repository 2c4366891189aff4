import numpy as np
import pytest

from dual_prior.restoration.memory import largest_tile, max_overlapping_pixels
from dual_prior.restoration.options import Options


def _tile(image, num_channels=None, preset="compact", **options):
    return largest_tile(image, Options(preset, **options), num_channels)


def test_less_memory_takes_smaller_tiles():
    image = np.zeros((3000, 4000, 3), np.uint8)
    sides = [_tile(image, max_memory=memory) for memory in (1.2, 2, 3, 64)]
    assert sides == sorted(sides) and sides[0] < sides[2]
    assert all(side % 8 == 0 and side >= 192 for side in sides)


def test_a_picture_that_cannot_fit_is_refused():
    image = np.broadcast_to(np.zeros(3, np.uint8), (10_000, 10_000, 3))
    with pytest.raises(
        MemoryError, match="about 2.4 GiB; max_memory allows 1.2: raise"
    ):
        _tile(image, max_memory=1.2)


def test_alpha_takes_memory_too():
    image = np.zeros((4000, 5000, 3), np.uint8)
    with_alpha, without, own = (
        _tile(image, number, max_memory=1.6) for number in (4, 3, None)
    )
    assert with_alpha < without == own


def test_the_papers_network_takes_smaller_tiles():
    image = np.zeros((3000, 4000), np.uint8)
    assert _tile(image, preset="paper") < _tile(image) / 1.5


def test_the_memory_of_the_result_reduces_that_of_tiles():
    image = np.broadcast_to(np.zeros(3, np.uint8), (6_000, 6_000, 3))
    wide = np.broadcast_to(np.zeros(3, np.uint8), (600, 60_000, 3))
    eight, sixteen = (_tile(image, max_memory=2.2, depth=depth) for depth in (8, 16))
    assert sixteen < eight
    # The rows of tiles of the tall one are shorter.
    assert _tile(wide, max_memory=2.2, depth=8) < eight


def test_guiding_the_chroma_of_a_wide_picture_takes_memory():
    wide = np.broadcast_to(np.zeros(3, np.uint8), (1_000, 30_000, 3))
    options = Options("fast", max_memory=3.4)
    without, guided = (largest_tile(wide, options, 3, held) for held in (0, 1))
    assert guided < without


def test_more_memory_lets_larger_pictures_overlap():
    assert max_overlapping_pixels(1.2) < max_overlapping_pixels(3.0)
    assert 13_000_000 < max_overlapping_pixels(3.0) < 14_000_000
