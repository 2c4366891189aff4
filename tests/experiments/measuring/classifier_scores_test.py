import numpy as np
import pytest

from experiments.measuring.classifier_scores import centre, table, versions
from tests.conftest import made_picture


def test_the_centre_is_cut_on_the_grid():
    image = np.arange(100 * 120).reshape(100, 120)
    part = centre(image)
    assert part.shape == (64, 64)
    top, left = divmod(int(part[0, 0]), 120)
    assert top % 8 == left % 8 == 0 and (top, left) == (16, 24)


@pytest.mark.parametrize("channels", [1, 3])
def test_versions_get_closer_to_the_clear_one_with_quality(channels):
    rgb = np.stack([made_picture(seed=seed) for seed in range(3)], axis=-1)
    images = versions(rgb, channels)
    clear = images.pop("clear").astype(float)
    assert clear.ndim == (2 if channels == 1 else 3)
    errors = [np.mean((image - clear) ** 2) for image in images.values()]
    assert errors == sorted(errors, reverse=True)


def test_the_table_counts_correct_and_skipped_pictures():
    values = {
        "clear": [[0.1, 0.2, 0], [0.3, 0.6, 0]],
        "quality 10": [[0.9, 0.9, 1], [0.15, 0.8, 0], [0.1, 0.9, 1], [0.85, 0.8, 0]],
    }
    lines = table(values, clean_below=0.2).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert cells[0] == ["clear", "1.000", "0.500", "0.200", "0.400"] + [
        "0.000",
        "0.500",
    ]
    # One of the two improbable ones has a trace.
    assert cells[1] == ["quality 10", "0.500", "1.000", "0.500", "0.850"] + [
        "0.500",
        "0.250",
    ]
    assert len({len(line) for line in lines}) == 1
