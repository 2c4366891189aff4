import numpy as np
import pytest

from experiments.data import encoders
from experiments.data.encoders import Settings
from experiments.data.sources import evaluation_pictures
from experiments.measuring import file_scores
from experiments.measuring.measures import psnr
from tests.conftest import made_picture
from tests.experiments.binary import run

RGB = np.stack([made_picture(50, 70, seed) for seed in range(3)], axis=-1)


@pytest.fixture
def libjpeg_alone(monkeypatch):
    monkeypatch.setattr(encoders, "installed", lambda: (encoders.LIBJPEG,))


def test_a_row_a_group_a_column_a_network(libjpeg_alone, tiny_data):
    code, out, err = run(
        "evaluate_photographs",
        f"--data={tiny_data / 'live1'}",
        "--presets=compact",
        *("--limit=1", "--side=64", "--num_drawings=1", "--qualities=40"),
    )
    assert code == 0, err
    header, _, *rows = out.strip().splitlines()
    assert [cell.strip() for cell in header.strip("| ").split("|")][:4] == [
        *("group", "n", "JPEG", "compact")
    ]
    groups = [row.strip("| ").split("|")[0].strip() for row in rows]
    assert {"colour, 40", "luma, 40", "luma, 10, cropped, 50"} <= set(groups)
    assert "colour, 60" not in groups
    assert {"photograph as PNG", "drawing as PNG"} <= set(groups)
    assert "libjpeg-turbo, size of 60" in groups
    assert "drawing, 75, 4:4:4" in groups
    assert sum(group.startswith("drawing: ") for group in groups) == 1


def test_files_of_one_size(libjpeg_alone):
    cases = list(file_scores.of_encoders(RGB))
    sizes = {case.groups[0]: len(case.data) for case in cases}
    for quality in (30, 60, 85):
        wanted = len(encoders.encode(RGB, Settings(quality=quality)))
        assert sizes[f"libjpeg-turbo, size of {quality}"] == wanted


def test_a_platform_scales_large_pictures_and_has_four_qualities():
    large = np.repeat(np.repeat(RGB, 30, axis=0), 30, axis=1)  # 1500x2100
    cases = list(file_scores.of_platform([RGB, large, RGB, RGB, RGB]))
    assert [case.clean.shape[:2] for case in cases[:2]] == [(50, 70), (771, 1080)]
    np.testing.assert_array_equal(cases[0].clean, RGB)
    for case, quality in zip(cases[2:], (80, 85, 70), strict=True):
        assert case.data == encoders.encode(RGB, Settings(quality=quality))


def test_psnr_is_over_all_channels_together():
    restored = RGB.copy()
    restored[..., 1] = RGB[..., 1] ^ 1
    np.testing.assert_allclose(psnr(RGB, restored), 10 * np.log10(255**2 * 3))


def test_the_files_of_live1_score_as_published(shared_data):
    scores = []
    for picture in evaluation_pictures("live1", shared_data):
        case = next(file_scores.of_photograph(picture.rgb()))
        scores.append(psnr(case.clean, file_scores.as_shown(case.data)))
    assert case.groups == ("colour, 10",)
    assert np.mean(scores) == pytest.approx(25.69, abs=0.005)


def test_means_and_the_least_gain():
    data = encoders.encode(RGB, Settings(quality=50))
    shown = file_scores.as_shown(data)
    cases = [
        file_scores.Case(("a",), data, RGB),
        file_scores.Case(("a",), data, shown),
    ]
    methods = {"JPEG": file_scores.as_shown, "perfect": lambda _: RGB}
    scores, shifts = file_scores.measure(cases, methods)
    scores = scores["a"]
    error = psnr(RGB, shown)
    np.testing.assert_allclose(scores, [[error, 71], [71, error]])
    difference = (shown - RGB.astype(float)).mean(axis=(0, 1)) / 2
    expected = [np.abs(difference).max()] * 2
    np.testing.assert_allclose(shifts["a"], expected)
    text = file_scores.table({"a": scores}, shifts, list(methods))
    assert f"{error - 71:+.2f}" in text and f"{(error + 71) / 2:.2f}" in text
