import csv

import numpy as np
import pytest

from dual_prior.network.unfolding import DualPriorNetwork
from experiments.data.sources import evaluation_pictures
from experiments.measuring.photograph_scores import (
    cases,
    measure,
    methods,
    psnr,
    restore_planes,
    table,
)
from tests.conftest import made_picture


def _colour(height=48, width=64):
    return np.stack([made_picture(height, width, seed) for seed in range(3)], axis=-1)


def _identity(image):
    return image


def test_psnr_is_over_all_channels_together():
    clean = _colour()
    restored = clean.copy()
    restored[..., 1] = clean[..., 1] ^ 1
    np.testing.assert_allclose(psnr(clean, restored), 10 * np.log10(255**2 * 3))
    assert psnr(clean, clean) == float("inf")


def test_each_case_has_a_compressed_and_a_clean_picture():
    for case in cases(_colour()):
        assert case.compressed.shape == case.clean.shape
        assert case.compressed.dtype == case.clean.dtype == np.uint8
        assert 15 < psnr(case.clean, case.compressed) < 60, case.name


def test_higher_qualities_score_higher():
    means, _ = measure([_colour()], {"JPEG": _identity})
    for kind in ("colour", "luma"):
        scores = [v for (_, name), v in means.items() if name.startswith(kind)]
        assert scores == sorted(scores)


def test_a_shift_of_colour_is_measured():
    def bluish(image):
        if image.ndim == 2:
            return image
        return (np.clip(image, 0, 252) + np.uint8([0, 0, 3])).astype(np.uint8)

    _, shifts = measure([_colour()], {"JPEG": _identity, "bluish": bluish})
    difference = shifts["bluish", "colour 40"] - shifts["JPEG", "colour 40"]
    np.testing.assert_allclose(difference, [0, 0, 3], atol=0.3)


def test_the_table_has_a_row_a_case_and_is_aligned():
    text = table(*measure([_colour()], {"JPEG": _identity, "same": _identity}))
    lines = text.splitlines()
    assert len({len(line) for line in lines}) == 1
    rows = list(csv.reader(lines[2:], delimiter="|"))
    assert len(rows) == 13
    for row in rows:
        assert row[2].strip() == row[3].strip()  # two methods that do nothing


def test_planes_are_measured_in_colour_only():
    network = DualPriorNetwork.from_preset("compact", weights=None)
    for_all, for_colour = methods("net", network)
    assert (list(for_all), list(for_colour)) == (["net"], ["net, planes"])
    means, _ = measure([_colour(32, 32)], for_all, for_colour)
    planes = [case for method, case in means if method == "net, planes"]
    assert planes == [f"colour {quality}" for quality in (10, 20, 30, 40)]
    assert len(means) == 13 + 4
    assert "| luma 10" in table(means, {})


def test_the_jpeg_of_live1_scores_as_published(shared_data):
    scores = []
    for picture in evaluation_pictures("live1", shared_data):
        case = next(cases(picture.rgb()))
        scores.append(psnr(case.clean, case.compressed))
    assert case.name == "colour 10"
    assert np.mean(scores) == pytest.approx(25.69, abs=0.005)


@pytest.mark.parametrize("size", [(40, 56), (33, 47)])
def test_planes_that_come_back_as_they_are_make_the_same_picture(size):
    rgb = np.stack([made_picture(*size, seed) for seed in range(3)], axis=-1)
    seen = []
    restored = restore_planes(rgb, lambda plane: seen.append(plane.shape) or plane)
    half = tuple(-(-side // 2) for side in size)
    assert seen == [size, half, half]
    # Through YCrCb and back in 8 bits.
    assert np.abs(restored.astype(int) - rgb).max() <= 2


def test_chroma_is_restored_too():
    rgb = np.zeros((16, 16, 3), np.uint8) + np.uint8([90, 120, 150])
    restored = restore_planes(rgb, lambda plane: plane + 8)
    assert len(np.unique(restored.reshape(-1, 3), axis=0)) == 1
    assert np.any(np.diff(restored[0, 0].astype(int)) != [30, 30])
