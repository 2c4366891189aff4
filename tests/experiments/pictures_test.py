import numpy as np
import pytest

from experiments.pictures import hold_out, weighted


@pytest.mark.parametrize(
    ("loss", "power"),
    [
        ("mean_absolute_error", 1),
        ("mean_squared_error", 2),
        ("squared_error_and_blocks", 2),
        ("log_squared_error", 0),
        ("log_squared_error_and_blocks", 0),
    ],
)
def test_patches_count_relative_to_what_was_wrong_with_them(loss, power):
    clean = np.full((2, 8, 8, 1), 0.5, np.float32)
    compressed = clean + np.float32([1, 11])[:, None, None, None] / 255
    *batch, weights = weighted(lambda step: (compressed, clean), loss)(0)
    np.testing.assert_array_equal(batch, (compressed, clean))
    np.testing.assert_allclose(
        weights.ravel(), np.float32([255 / 5, 255 / 15]) ** power, rtol=1e-5
    )


def test_the_same_pictures_are_held_out_every_time():
    paths = list(range(400))
    kept, held_out = hold_out(paths)
    assert held_out == paths[::40] and sorted(kept + held_out) == paths
