import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from dual_prior import jpeg, metrics
from experiments.data.sources import evaluation_pictures
from tests.conftest import made_picture

CLEAN = made_picture(72, 88)
JPEG = jpeg.compress(CLEAN, 10)

# PSNR, SSIM uniform, SSIM gaussian, PSNR-B of the JPEG itself (the protocol's table).
GOLDEN = {
    ("classic5", 10): (27.8211, 0.7800, 0.7595, 25.2090),
    ("classic5", 20): (30.1233, 0.8541, 0.8344, 27.5014),
    ("classic5", 30): (31.4840, 0.8844, 0.8666, 28.9395),
    ("live1", 10): (27.7698, 0.7905, 0.7730, 25.3325),
    ("live1", 20): (30.0720, 0.8683, 0.8512, 27.5657),
    ("live1", 30): (31.4074, 0.9000, 0.8851, 28.9228),
    ("bsds500", 10): (27.5763, 0.7694, 0.7478, 24.9675),
}


@pytest.mark.parametrize(("dataset", "quality"), GOLDEN)
def test_the_jpeg_scores_the_golden_figures(shared_data, dataset, quality):
    scores = []
    for picture in evaluation_pictures(dataset, shared_data):
        clean = picture.luma()
        compressed = jpeg.compress(clean, quality)
        scores.append(
            (
                metrics.psnr(clean, compressed),
                metrics.ssim(clean, compressed, "uniform"),
                metrics.ssim(clean, compressed, "gaussian"),
                metrics.psnr_b(clean, compressed),
            )
        )
    measured = tuple(np.round(np.mean(scores, axis=0), 4))
    assert measured == GOLDEN[dataset, quality]


def test_psnr_agrees_with_scikit_image():
    expected = peak_signal_noise_ratio(CLEAN, JPEG, data_range=255)
    np.testing.assert_allclose(metrics.psnr(CLEAN, JPEG), expected, rtol=1e-12)


def test_gaussian_ssim_agrees_with_scikit_image():
    _, similarity = structural_similarity(
        CLEAN,
        JPEG,
        data_range=255,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    expected = similarity[5:-5, 5:-5].mean()
    np.testing.assert_allclose(metrics.ssim(CLEAN, JPEG), expected, rtol=1e-9)


def test_uniform_ssim_is_the_mean_over_all_8x8_boxes():
    x, y = CLEAN[:20, :17].astype(float), JPEG[:20, :17].astype(float)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for top in range(13):
        for left in range(10):
            a = x[top : top + 8, left : left + 8]
            b = y[top : top + 8, left : left + 8]
            covariance = np.mean((a - a.mean()) * (b - b.mean()))
            values.append(
                (2 * a.mean() * b.mean() + c1)
                * (2 * covariance + c2)
                / ((a.mean() ** 2 + b.mean() ** 2 + c1) * (a.var() + b.var() + c2))
            )
    measured = metrics.ssim(CLEAN[:20, :17], JPEG[:20, :17], "uniform")
    np.testing.assert_allclose(measured, np.mean(values), rtol=1e-9)


def test_the_range_is_a_matter_of_scale():
    scaled = CLEAN / 255, JPEG / 255
    for metric in (metrics.psnr, metrics.ssim, metrics.psnr_b):
        np.testing.assert_allclose(
            metric(*scaled, max_val=1.0), metric(CLEAN, JPEG), rtol=1e-9
        )


def test_equal_pictures_are_infinitely_good():
    assert metrics.psnr(CLEAN, CLEAN) == float("inf")
    np.testing.assert_allclose(metrics.ssim(CLEAN, CLEAN), 1.0)


def test_a_picture_without_block_borders_has_no_blocking_effect():
    ramp = np.add.outer(np.arange(24.0), np.arange(32.0))
    assert metrics.blocking_effect_factor(ramp) == 0.0


def test_blocking_effect_of_a_chessboard_of_blocks():
    blocks = np.kron(np.indices((4, 4)).sum(0) % 2, np.ones((8, 8))) * 10.0
    # Every border pixel pair differs by 10, none within a block: D_b = 100, D_bc = 0.
    expected = np.log2(8) / np.log2(32) * 100
    np.testing.assert_allclose(metrics.blocking_effect_factor(blocks), expected)


def test_a_last_block_that_is_cut_off_counts_by_its_share():
    step = np.repeat([[0.0, 10.0]], [8, 12], axis=1).repeat(16, axis=0)
    # 16 pairs differ by 10, of 16 (20/8 - 1) + 20 (16/8 - 1) = 44 across a border.
    expected = np.log2(8) / np.log2(16) * 16 * 100 / 44
    np.testing.assert_allclose(metrics.blocking_effect_factor(step), expected)


@pytest.mark.parametrize("shape", [(16,), (1, 16), (16, 16, 1)])
def test_the_blocking_effect_is_that_of_a_plane(shape):
    with pytest.raises(ValueError, match="at least 2 pixels a side"):
        metrics.blocking_effect_factor(np.zeros(shape))


def test_psnr_b_counts_the_blocks_of_the_restored_picture_only():
    assert metrics.psnr_b(CLEAN, JPEG) < metrics.psnr(CLEAN, JPEG)
    assert metrics.psnr_b(CLEAN, JPEG) < metrics.psnr_b(JPEG, CLEAN)


@pytest.mark.parametrize("metric", [metrics.psnr, metrics.ssim, metrics.psnr_b])
@pytest.mark.parametrize("other", [JPEG[1:], JPEG[..., None]])
def test_shapes_must_agree(metric, other):
    with pytest.raises(ValueError, match=r"one shape, got \[72, 88\]"):
        metric(CLEAN, other)


def test_an_unknown_window_is_named():
    with pytest.raises(ValueError, match="gaussian, uniform; got box"):
        metrics.ssim(CLEAN, JPEG, "box")


def test_a_picture_smaller_than_the_window_is_refused():
    with pytest.raises(ValueError, match="at least 11 pixels"):
        metrics.ssim(CLEAN[:10], JPEG[:10])
