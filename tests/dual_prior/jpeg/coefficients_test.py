import io

import numpy as np
import pytest
from PIL import Image
from scipy import fft

from dual_prior import jpeg
from dual_prior.jpeg.coefficients import has_coefficients, read_coefficients
from dual_prior.jpeg.header import read_jpeg_header
from dual_prior.jpeg.projection import project_picture
from dual_prior.restoration.symmetries import SYMMETRIES, turn
from tests.conftest import made_picture

RGB = np.stack([made_picture(50, 70, seed) for seed in range(3)], axis=-1)


def _file(picture=RGB, mode=None, **settings):
    buffer = io.BytesIO()
    Image.fromarray(picture, mode).save(buffer, "JPEG", **settings)
    return buffer.getvalue()


def test_what_is_read_is_what_decoders_show():
    plane = np.clip(made_picture(), 16, 235)  # nothing is clipped when it is decoded
    data = jpeg.encode(plane, 40)
    held = read_coefficients(data)
    (quantized,), (steps,) = held.quantized, held.steps
    np.testing.assert_array_equal(steps, jpeg.quantization_table(40))
    blocks = fft.idctn(quantized * steps, axes=(-2, -1), norm="ortho") + 128
    shown = blocks.swapaxes(1, 2).reshape(plane.shape)
    assert np.abs(shown - jpeg.decode(data)).max() <= 1
    assert held.nbytes == 2 * plane.size


@pytest.mark.parametrize(
    ("subsampling", "sampling", "chroma"),
    [
        ("4:4:4", (1, 1), (7, 9)),
        ("4:2:2", (1, 2), (7, 5)),
        ("4:2:0", (2, 2), (4, 5)),
    ],
)
def test_chroma_has_a_grid_of_its_own(subsampling, sampling, chroma):
    data = _file(subsampling=subsampling, quality=60)
    held = read_coefficients(data)
    assert held.sampling == sampling
    assert [plane.shape[:2] for plane in held.quantized] == [(7, 9), chroma, chroma]
    # The order in which coefficients are stored does not matter.
    in_scans = _file(subsampling=subsampling, quality=60, progressive=True)
    for one, other in zip(
        held.quantized, read_coefficients(in_scans).quantized, strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("subsampling", ["4:2:2", "4:2:0"])
@pytest.mark.parametrize("symmetry", range(SYMMETRIES))
def test_turned_coefficients_are_those_of_the_turned_picture(symmetry, subsampling):
    rgb = RGB[:48, :64]
    held = read_coefficients(_file(rgb, subsampling=subsampling, quality=30))
    worse = np.clip(rgb + np.float32(9), 0, 255)
    expected = turn(project_picture(worse, held), symmetry)
    found = project_picture(turn(worse, symmetry).copy(), held.turned(symmetry))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_what_is_not_the_picture_does_not_matter(capfd):
    data = _file()
    segment = b"\xff\xe5\x00\x12" + bytes(16)
    more = data[:2] + 3000 * segment + data[2:] + _file(made_picture())
    for one, other in zip(
        read_coefficients(data).quantized,
        read_coefficients(more).quantized,
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("rows", "is_drawing"), [(0, True), (48, True), (56, False)])
def test_a_quarter_of_flat_blocks_makes_a_drawing(rows, is_drawing):
    plane = np.full((64, 64), 100, np.uint8)
    plane[:rows] = made_picture()[:rows, :64]
    held = read_coefficients(jpeg.encode(plane, 90))
    assert held.is_drawing == is_drawing


@pytest.mark.parametrize(
    "data",
    [
        _file(np.stack([made_picture()] * 4, axis=-1), "CMYK"),
        _file(progressive=True)[:-400],
        _file()[:300],
    ],
)
def test_other_files_are_refused(data):
    try:
        assert not has_coefficients(read_jpeg_header(data))
    except ValueError as error:
        assert "truncated" in str(error)
    with pytest.raises(ValueError, match="truncated|not the coefficients"):
        read_coefficients(data)


def test_damage_is_an_error_and_nothing_is_printed(capfd):
    data = _file(quality=90)
    at = data.index(b"\xff\xc4") + 6
    rng = np.random.default_rng(0)
    for place in [*range(at, at + 12), *rng.integers(at, len(data), 40)]:
        broken = bytearray(data)
        broken[place] = 0xFF
        try:
            planes = read_coefficients(bytes(broken)).quantized
        except (ValueError, OSError):
            continue
        assert [plane.shape[:2] for plane in planes] == [(7, 9), (4, 5), (4, 5)]
    assert capfd.readouterr() == ("", "")
