import numpy as np
import pytest

from dual_prior.jpeg.ycc import to_rgb, to_ycc


@pytest.mark.parametrize("white", [1, 255])
def test_the_corners_of_the_cube(white):
    rgb = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0], [0, 0, 1]]) * white
    expected = np.array(
        [[0, 128, 128], [255, 128, 128], [76.245, 84.97, 255.5], [29.07, 255.5, 107.27]]
    )
    np.testing.assert_allclose(to_ycc(rgb, white) * 255 / white, expected, atol=0.01)


def test_there_and_back():
    rgb = np.random.default_rng(0).uniform(size=(5, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(to_rgb(to_ycc(rgb, 1), 1), rgb, atol=1e-5)
