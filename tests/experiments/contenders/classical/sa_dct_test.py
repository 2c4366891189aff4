import numpy as np
import pytest
import scipy.fft

from dual_prior import jpeg, metrics
from experiments.contenders.classical import sa_dct
from experiments.contenders.classical.sa_dct import SCALES, ShapeAdaptiveDCT
from tests.conftest import made_picture

FEW = SCALES[:6]


def _supports():
    """A single pixel, a full square, and shapes with gaps in rows and columns."""
    masks = np.random.default_rng(0).random((12, 9, 9)) < 0.4
    masks[0], masks[1] = False, True
    masks[0, 4, 4] = True
    return masks


def test_the_transform_is_orthonormal_and_inverts():
    masks = _supports()
    samples = np.random.default_rng(1).normal(size=masks.shape) * masks
    dct = ShapeAdaptiveDCT(masks)
    coefficients = dct.forward(samples.astype(np.float32))
    np.testing.assert_allclose(dct.backward(coefficients), samples, atol=1e-5)
    energy = (samples**2).sum(axis=(1, 2))
    np.testing.assert_allclose((coefficients**2).sum(axis=(1, 2)), energy, rtol=1e-5)
    # As many coefficients as samples.
    counts = np.count_nonzero(coefficients, axis=(1, 2))
    np.testing.assert_array_equal(counts, np.count_nonzero(masks, axis=(1, 2)))


def test_on_a_square_it_is_the_dct():
    samples = np.random.default_rng(1).normal(size=(1, 9, 9)).astype(np.float32)
    coefficients = ShapeAdaptiveDCT(np.ones((1, 9, 9), bool)).forward(samples)
    expected = scipy.fft.dctn(samples[0], norm="ortho")
    np.testing.assert_allclose(np.abs(coefficients[0]), np.abs(expected), atol=1e-5)


def test_three_pixels_by_hand():
    # a b     columns: (a + c, a - c) / sqrt 2, b;  rows: of ((a + c) / sqrt 2, b), and
    # c       (a - c) / sqrt 2 only.
    a, b, c = 3.0, 5.0, 1.0
    mask = np.array([[[True, True], [True, False]]])
    samples = np.float32([[[a, b], [c, 0]]])
    coefficients = ShapeAdaptiveDCT(mask).forward(samples)[0]
    low = (a + c) / np.sqrt(2)
    expected = [[(low + b) / np.sqrt(2), (low - b) / np.sqrt(2)], [(a - c) / 2**0.5, 0]]
    np.testing.assert_allclose(coefficients, expected, atol=1e-6)


@pytest.mark.parametrize("length", SCALES)
def test_kernels_estimate_constants_and_with_order_one_lines(length):
    ahead = np.arange(length)
    for order_zero in (0.0, 0.7, 1.0):
        assert sa_dct.lpa_kernel(length, order_zero).sum() == pytest.approx(1)
    if length > 1:
        line = sa_dct.lpa_kernel(length, 0.0) @ (4 + 3 * ahead)
        assert line == pytest.approx(4)


def test_flat_ground_has_the_largest_neighbourhood():
    lengths = sa_dct.adaptive_lengths(np.full((24, 24), 80.0), 10.0, FEW)
    assert np.all(lengths == len(FEW) - 1)
    octagon = sa_dct.neighbourhoods(lengths.reshape(-1, 8)[:1], FEW)[0]
    assert octagon.all()  # diagonals as long as the sides: the square


def test_neighbourhoods_stop_at_an_edge():
    z = np.zeros((32, 32), np.float32)
    z[:, 16:] = 200
    lengths = sa_dct.adaptive_lengths(z, 5.0, FEW)
    right, left = lengths[..., 0], lengths[..., 4]
    # Ten columns before the edge it is too far to see; just before it, no step right.
    assert np.all(right[:, 5] == len(FEW) - 1) and np.all(right[:, 15] == 0)
    assert np.all(left[:, 15] == len(FEW) - 1) and np.all(left[:, 16] == 0)
    mask = sa_dct.neighbourhoods(lengths[16, 15][None], FEW)[0]
    assert not mask[:, 9:].any() and mask[:, :9].any()


def test_an_octagon_has_its_tips_and_nothing_beyond():
    scales = (1, 3, 5)
    only_right = np.uint8([[2, 0, 0, 0, 0, 0, 0, 0]])
    row = np.zeros((9, 9), bool)
    row[4, 4:9] = True
    np.testing.assert_array_equal(sa_dct.neighbourhoods(only_right, scales)[0], row)
    # Tips at (4, 0) and (2, 2), and what lies between them and the centre.
    wedge = sa_dct.neighbourhoods(np.uint8([[2, 1, 0, 0, 0, 0, 0, 0]]), scales)[0]
    expected = row.copy()
    expected[5, 5:8] = expected[6, 6] = True
    np.testing.assert_array_equal(wedge, expected)


def test_a_constant_picture_stays_constant():
    flat = np.full((32, 32), 77, np.uint8)
    restored = sa_dct.sa_dct(flat, jpeg.quantization_table(10))
    # The mean is attenuated by 1 / (1 + sigma^2 / (|U| 77^2)): less than 1e-4.
    np.testing.assert_allclose(restored, 77, rtol=1e-3)
    assert np.ptp(restored) < 1e-2


def test_black_stays_black():
    restored = sa_dct.sa_dct(np.zeros((32, 32), np.uint8), jpeg.quantization_table(10))
    np.testing.assert_array_equal(restored, 0)


def test_wiener_filtering_by_a_perfect_estimate_of_a_strong_signal_keeps_it():
    signal = np.float32([[[1e5, -1e5], [0, 1e5]]])
    sizes = np.full((1, 1, 1), 4.0)
    kept, of_mean, weight = sa_dct.wiener(signal, signal, np.full((1, 1, 1), 1e5), 1, 4)
    np.testing.assert_allclose(kept, signal, rtol=1e-6)
    assert of_mean == pytest.approx(1)
    assert weight == pytest.approx(1 / (sizes * (1 + 3)))


def test_wiener_filtering_halves_coefficients_as_strong_as_the_noise():
    noisy, estimate = np.full((1, 1, 1), 8.0), np.full((1, 1, 1), 5.0)
    shrunk, of_mean, _ = sa_dct.wiener(noisy, estimate, np.zeros((1, 1, 1)), 5.0, 1)
    assert shrunk == pytest.approx(4) and of_mean == 0


def test_thresholding_keeps_coefficients_above_the_noise():
    coefficients = np.float32([[[100, 3], [-3, -90]]])
    kept, weight = sa_dct.threshold(coefficients, 5.0, np.full((1, 1, 1), 4.0))
    np.testing.assert_array_equal(kept, [[[100, 0], [0, -90]]])
    assert weight == pytest.approx(1 / (25 * 3 * 4))


def test_the_noise_level_comes_from_the_table():
    table = np.full((8, 8), 1000)
    table[:3, :3] = 60
    assert sa_dct.noise_level(table) == pytest.approx((0.69 * 60**1.3) ** 0.5)


def test_artifacts_are_removed():
    clean = made_picture(64, 64)
    compressed = jpeg.compress(clean, 10)
    restored = sa_dct.sa_dct(compressed, jpeg.quantization_table(10))
    restored = np.clip(np.round(restored), 0, 255).astype(np.uint8)
    assert metrics.psnr(clean, restored) > metrics.psnr(clean, compressed) + 0.3
