import io

import numpy as np
import pytest
from PIL import Image

import dual_prior
from dual_prior.network.unfolding import DualPriorNetwork
from dual_prior.pictures.errors import PictureError
from dual_prior.pictures.png import deep_png
from dual_prior.pictures.reader import read_picture
from tests.conftest import made_picture


@pytest.fixture(scope="module")
def options(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "some.weights.h5"
    DualPriorNetwork.from_preset("compact", weights=None).save_weights(path)
    return {"preset": "compact", "weights": str(path)}


def _file(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(made_picture()).save(path, quality=30, dpi=(300, 300))
    return path


def test_an_array_or_what_becomes_one(options):
    image = made_picture()
    restored = dual_prior.restore(image, **options)
    assert restored.shape == image.shape and restored.dtype == np.uint8
    from_pillow = dual_prior.restore(Image.fromarray(image), **options)
    np.testing.assert_array_equal(from_pillow, restored)
    with pytest.raises(ValueError, match="Expected a picture"):
        dual_prior.restore([[0.5]], **options)


def test_the_package_lists_its_public_names():
    assert {"restore", "restore_file", "DualPriorNetwork"} <= set(dir(dual_prior))
    assert all(hasattr(dual_prior, name) for name in dual_prior.__all__)


def test_a_file(options, photo):
    target = dual_prior.restore_file(photo, **options)
    assert target == photo.with_name("photo.restored.png")
    result = Image.open(target)
    expected = dual_prior.restore(np.array(Image.open(photo)), **options)
    np.testing.assert_array_equal(np.array(result), expected)
    np.testing.assert_allclose(result.info["dpi"], 300, atol=0.1)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        dual_prior.restore_file(photo, **options)
    deep = dual_prior.restore_file(photo, photo.with_name("a.tif"), depth=16, **options)
    assert read_picture(deep).pixels.dtype == np.uint16


@pytest.mark.parametrize("depth", [8, 16])
def test_alpha_follows_the_depth(options, tmp_path, depth):
    alpha = np.resize(np.arange(256, dtype=np.uint8), (32, 32))
    planes = np.stack([made_picture(32, 32)] * 3 + [alpha], axis=-1)
    if depth == 16:
        (tmp_path / "a.png").write_bytes(_file(Image.fromarray(planes)))
    else:  # and 100 more or less is the same in eight bits
        deep = planes.astype(np.uint16) * 257
        deep[:8, :, 3] += np.uint16(100) * (deep[:8, :, 3] < 65000)
        (tmp_path / "a.png").write_bytes(deep_png(deep))
    target = dual_prior.restore_file(tmp_path / "a.png", depth=depth, **options)
    result = read_picture(target).alpha
    expected = alpha if depth == 8 else alpha * np.uint16(257)
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result, expected)


def test_a_folder_and_a_format(options, photo, tmp_path):
    target = dual_prior.restore_file(photo, tmp_path, format="webp", **options)
    assert target == tmp_path / "photo.restored.webp"
    assert Image.open(target).format == "WEBP"
    with pytest.raises(ValueError, match="the name says webp, format says png"):
        dual_prior.restore_file(photo, tmp_path / "b.webp", format="png", **options)


def test_an_original_is_the_result_in_place_only(options, photo, tmp_path):
    before = photo.read_bytes()
    with pytest.raises(ValueError, match="is an input"):
        dual_prior.restore_file(photo, photo, overwrite=True)
    assert photo.read_bytes() == before
    assert dual_prior.restore_file(photo, in_place=True, **options) == photo
    once = photo.read_bytes()
    assert once != before
    assert dual_prior.restore_file(photo, in_place=True, **options) is None
    assert photo.read_bytes() == once
    assert list(tmp_path.iterdir()) == [photo]


def test_before_and_after_are_drawn(options, photo, tmp_path):
    drawn = tmp_path / "drawn.png"
    dual_prior.restore_file(photo, tmp_path / "a.png", compare=drawn, **options)
    assert Image.open(drawn).width > 2 * 88


def test_losses_are_warnings(options, photo):
    data = photo.read_bytes()
    captions = b"Photoshop 3.0\x008BIM\4\4\0\0\0\0\0\4\x1c\2x\0"
    segment = b"\xff\xed" + (len(captions) + 2).to_bytes(2, "big") + captions
    photo.write_bytes(data[:2] + segment + data[2:])
    with pytest.warns(UserWarning, match="photo.jpg: the IPTC data"):
        dual_prior.restore_file(photo, **options)


def test_damage_is_refused_or_salvaged(options, photo):
    photo.write_bytes(photo.read_bytes()[:-200])
    with pytest.raises(PictureError, match="photo.jpg: truncated"):
        dual_prior.restore_file(photo, **options)
    with pytest.warns(UserWarning, match="truncated: what was left is restored"):
        assert dual_prior.restore_file(photo, salvage=True, **options).exists()


def test_limits_and_options_are_checked_before_anything_is_made(options, photo):
    folder = photo.with_name("new")
    with pytest.raises(ValueError, match="strength of 0 to 1"):
        dual_prior.restore_file(photo, folder / "a.png", strength=3)
    with pytest.raises(PictureError, match="larger than 0.001 megapixels"):
        small = {"max_megapixels": 0.001, **options}
        dual_prior.restore_file(photo, folder / "a.png", **small)
    for wrong, said in (
        (
            {"format": "gif"},
            "a format of png, webp, tiff, jpeg, avif, jxl or same, got 'gif'",
        ),
        ({"quality": 0}, "quality of 1 to 100, got 0"),
        ({"max_memory": float("nan")}, "max_memory of 1.2 to 4096, got nan"),
    ):
        with pytest.raises(ValueError, match=said):
            dual_prior.restore_file(photo, folder / "a.png", **wrong)
    assert not folder.exists()


def test_existing_files_are_only_replaced_on_request(options, photo, tmp_path):
    before = photo.read_bytes()
    with pytest.raises(ValueError, match="strength of 0 changes nothing"):
        dual_prior.restore_file(photo, in_place=True, strength=0, **options)
    with pytest.raises(ValueError, match="in_place keeps the format"):
        dual_prior.restore_file(photo, in_place=True, format="png", **options)
    result = photo.with_name("photo.restored.png")
    result.mkdir()
    with pytest.raises(PictureError, match="is a directory"):
        dual_prior.restore_file(photo, **options)
    result.rmdir()
    drawn = tmp_path / "drawn.png"
    drawn.write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        dual_prior.restore_file(photo, compare=drawn, **options)
    assert (photo.read_bytes(), drawn.read_bytes()) == (before, b"mine")


def test_a_clean_picture_is_skipped(options, photo, monkeypatch):
    module = "dual_prior.restoration.restorer.Restorer.probability"
    monkeypatch.setattr(module, lambda *_: 0.0)
    image = made_picture()
    drawing = photo.with_suffix(".png")
    Image.fromarray(image).save(drawing)
    photo.unlink()
    assert dual_prior.restore_file(drawing, **options) is None
    assert list(photo.parent.iterdir()) == [drawing]
    copy = dual_prior.restore_file(drawing, photo.with_name("copy.png"), **options)
    assert copy.read_bytes() == drawing.read_bytes()
    left = dual_prior.restore(image, **options)
    np.testing.assert_array_equal(left, image)
    deep = dual_prior.restore(image, depth=16, **options)
    np.testing.assert_array_equal(deep, image * np.uint16(257))
    assert np.any(dual_prior.restore(image, always=True, **options) != image)
