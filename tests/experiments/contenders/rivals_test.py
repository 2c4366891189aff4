import subprocess

import numpy as np
import pytest

from dual_prior import jpeg, metrics
from experiments.contenders import jpegqs
from experiments.contenders.rivals import CLASSICAL, at_quality, rivals
from tests.conftest import made_picture


@pytest.mark.parametrize("name", rivals())
def test_a_rival_maps_a_plane_to_a_plane(name):
    compressed = jpeg.compress(made_picture(30, 43), 20)
    restored = at_quality(rivals()[name], 20)(compressed)
    assert restored.shape == compressed.shape and restored.dtype == np.uint8
    assert 0 < np.abs(restored.astype(int) - compressed).max() < 60


def test_a_rival_gets_the_quantization_table():
    told = []

    def rival(compressed, table):
        told.append(table)
        return compressed + 1000.0

    restored = at_quality(rival, 30)(np.zeros((8, 8), np.uint8))
    np.testing.assert_array_equal(told[0], jpeg.quantization_table(30))
    np.testing.assert_array_equal(restored, 255)  # clipped


def test_without_the_tool_the_others_are_measured(monkeypatch):
    monkeypatch.setattr(jpegqs, "COMMAND", "no-such-command")
    assert rivals() == CLASSICAL


@pytest.mark.skipif(not jpegqs.is_installed(), reason="jpegqs is not installed")
def test_jpegqs_smooths_and_rejects_other_files():
    clean = made_picture(64, 64)
    compressed = jpeg.compress(clean, 10)
    restored = jpegqs.jpegqs(compressed, jpeg.quantization_table(10))
    assert metrics.psnr_b(clean, restored) > metrics.psnr_b(clean, compressed)
    with pytest.raises(subprocess.CalledProcessError):
        jpegqs.smoothed(b"no picture")
