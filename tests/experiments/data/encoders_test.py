import numpy as np
import pytest

from dual_prior.jpeg.ycc import to_ycc
from dual_prior.metrics import psnr
from experiments.data import encoders
from experiments.data.encoders import JPEGLI, LIBJPEG, MOZJPEG, Settings
from tests.conftest import made_picture

PICTURE = np.stack([made_picture(50, 70, seed) for seed in range(3)], axis=-1)
INSTALLED = encoders.installed()


@pytest.mark.parametrize("encoder", INSTALLED)
@pytest.mark.parametrize("quality", [20, 90])
def test_encoding_and_decoding_return_the_picture(encoder, quality):
    decoded = encoders.decode(encoders.encode(PICTURE, Settings(encoder, quality)))
    assert decoded.planes.shape == PICTURE.shape and decoded.planes.dtype == np.uint8
    steps = decoded.tables.steps
    assert steps.shape == (3, 8, 8) and steps.min() >= 1
    assert decoded.tables.sampling == (2, 2)
    luma = to_ycc(PICTURE)[..., 0]
    assert psnr(luma, decoded.planes[..., 0].astype(np.float32), max_val=255) > 22


@pytest.mark.parametrize("encoder", INSTALLED)
def test_lower_quality_has_larger_steps(encoder):
    low, high = (
        encoders.decode(
            encoders.encode(PICTURE, Settings(encoder, quality))
        ).tables.steps
        for quality in (20, 90)
    )
    assert low.mean() > 2 * high.mean()


@pytest.mark.parametrize("name", encoders.SUBSAMPLINGS)
def test_subsampling_is_read_as_it_was_written(name):
    data = encoders.encode(PICTURE, Settings(subsampling=name))
    assert encoders.decode(data).tables.sampling == encoders.SUBSAMPLINGS[name]


def test_given_tables_are_in_the_file():
    tables = encoders.odd_tables(40, np.random.default_rng(0))
    decoded = encoders.decode(encoders.encode(PICTURE, Settings(tables=tables)))
    np.testing.assert_array_equal(decoded.tables.steps, tables[[0, 1, 1]])


@pytest.mark.parametrize("encoder", sorted({*INSTALLED} - {JPEGLI}))
def test_grey_files_have_no_table_for_chroma(encoder):
    decoded = encoders.decode(encoders.encode(PICTURE[..., 0], Settings(encoder)))
    assert np.all(decoded.planes[..., 1:] == 128)
    assert decoded.tables.steps[0].all() and not decoded.tables.steps[1:].any()


@pytest.mark.skipif(JPEGLI not in INSTALLED, reason="pyjpegli is not installed")
def test_jpegli_rejects_settings_it_does_not_offer():
    with pytest.raises(ValueError, match="colour picture and 4:2:0"):
        encoders.encode(PICTURE, Settings(JPEGLI, subsampling="4:4:4"))


def test_settings_drawn_are_of_all_kinds_and_can_be_encoded():
    rng = np.random.default_rng(0)
    every = (LIBJPEG, MOZJPEG, JPEGLI)
    drawn = [encoders.draw_settings(rng, (10, 90), encoders=every) for _ in range(200)]
    assert {s.encoder for s in drawn} == set(every)
    assert {s.subsampling for s in drawn} == set(encoders.SUBSAMPLINGS)
    assert any(s.tables is not None for s in drawn)
    assert all(10 <= s.quality <= 90 for s in drawn)
    for settings in drawn[:40]:
        if settings.encoder in INSTALLED:
            encoders.decode(encoders.encode(PICTURE, settings))


def test_odd_tables_are_as_strong_as_their_quality():
    rng = np.random.default_rng(0)
    weak, strong = (encoders.odd_tables(quality, rng).mean() for quality in (90, 10))
    assert strong > 5 * weak


def test_only_the_given_encoders_are_drawn():
    rng = np.random.default_rng(0)
    drawn = [encoders.draw_settings(rng) for _ in range(60)]
    assert {settings.encoder for settings in drawn} == {LIBJPEG}
